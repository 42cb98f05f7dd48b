package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// switches is compiled into the package. Zero is no site: then nothing is removed.
const switches = `package %s

import (
	"os"
	"strconv"
)

var mutateSite, _ = strconv.Atoi(os.Getenv("MUTATE_SITE"))

func mutateKeeps(n int) bool { return n != mutateSite }

func mutatePass(n int, err error) error {
	if n == mutateSite {
		return nil
	}
	return err
}
`

// judge removes the refusals of one package, one at a time.
func judge(folder string, o options) (tally, error) {
	sites, overlay, err := prepare(folder, o)
	if err != nil {
		return tally{}, err
	}
	if gone := stale(sites, folder, o); len(gone) > 0 {
		return tally{}, fmt.Errorf("listed as equivalent, but not in the source: %s", strings.Join(gone, "\n"))
	}
	if o.list {
		for _, s := range sites {
			fmt.Println(s.name)
		}
		return tally{}, nil
	}
	work, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return tally{}, err
	}
	defer os.RemoveAll(work)
	program, err := compile(folder, work, overlay)
	if err != nil {
		return tally{}, err
	}
	if red, output := run(program, folder, 0, o); red {
		return tally{}, fmt.Errorf("the tests of %s fail with nothing removed:\n%s", folder, output)
	}
	return runAll(program, folder, sites, o), nil
}

// stale are the removals known to change nothing that are not in the folder any more.
func stale(sites []site, folder string, o options) []string {
	there := map[string]bool{}
	for _, s := range sites {
		there[s.name] = true
	}
	var gone []string
	for name := range o.equivalent {
		file, _, _ := strings.Cut(name, " ")
		if filepath.Dir(file) == filepath.ToSlash(filepath.Clean(folder)) && o.file.MatchString(filepath.Base(file)) && !there[name] {
			gone = append(gone, name)
		}
	}
	return gone
}

// prepare finds the sites of a folder and writes the sources with all of them optional, by the name of the file.
func prepare(folder string, o options) ([]site, map[string]string, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	sources, verdict, pkg := map[string]string{}, map[string]int{}, ""
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		sources[name] = string(raw)
		pkg, err = verdicts(string(raw), verdict)
		if err != nil {
			return nil, nil, err
		}
	}
	var all []site
	overlay := map[string]string{filepath.Join(folder, "mutate_switches.go"): fmt.Sprintf(switches, pkg)}
	for _, name := range names {
		source, ok := sources[name]
		if !ok || !o.file.MatchString(filepath.Base(name)) {
			continue
		}
		sites, err := find(filepath.ToSlash(filepath.Clean(name)), source, verdict)
		if err != nil {
			return nil, nil, err
		}
		overlay[name] = rewritten(source, sites, len(all)+1)
		all = append(all, sites...)
	}
	return all, overlay, nil
}

// verdicts notes the package's functions check and judge, with the place of their truth value.
func verdicts(source string, known map[string]int) (pkg string, err error) {
	tree, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "check" && fn.Name.Name != "judge" {
			continue
		}
		at := 0
		for _, p := range fn.Type.Params.List {
			id, isName := p.Type.(*ast.Ident)
			if isName && id.Name == "bool" {
				known[fn.Name.Name] = at
			}
			at += max(1, len(p.Names))
		}
	}
	return tree.Name.Name, nil
}

// compile builds the test binary of the folder with other sources than those that are there.
func compile(folder, work string, sources map[string]string) (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for name, text := range sources {
		from, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		to := filepath.Join(work, filepath.Base(name))
		overlay.Replace[from] = to
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list, program := filepath.Join(work, "overlay.json"), filepath.Join(work, "tests")
	if err := os.WriteFile(list, raw, 0o600); err != nil {
		return "", err
	}
	output, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", program, folder).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", folder, err, output)
	}
	return program, nil
}

// run runs the tests with one refusal removed, and says whether they noticed. A run that does not end in time did.
func run(program, folder string, number int, o options) (red bool, output []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), o.limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.failfast", "-test.timeout="+o.limit.String())
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), fmt.Sprintf("MUTATE_SITE=%d", number))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fail(err)
	}
	return err != nil, output
}

func runAll(program, folder string, sites []site, o options) tally {
	var (
		t     tally
		mu    sync.Mutex
		group sync.WaitGroup
	)
	slots := make(chan struct{}, o.parallel)
	for i, s := range sites {
		if o.equivalent[s.name] != "" {
			t.equivalent++
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			red, _ := run(program, folder, i+1, o)
			<-slots
			mu.Lock()
			defer mu.Unlock()
			if red {
				t.red++
				return
			}
			t.green++
			fmt.Printf("survives: %s  (line %d)\n", s.name, s.line)
		})
	}
	group.Wait()
	return t
}

// readEquivalents reads lines of "site -- reason"; empty lines and those that begin with # are comments.
func readEquivalents(name string) (map[string]string, error) {
	all := map[string]string{}
	if name == "" {
		return all, nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		site, reason, ok := strings.Cut(line, " -- ")
		if !ok || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: no reason in %q", name, line)
		}
		all[site] = reason
	}
	return all, nil
}
