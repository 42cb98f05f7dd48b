package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFile bounds the configuration and every file it names.
const maxFile = 1 << 20

// loader gathers values and faults; it is used for one Load.
type loader struct {
	file   file
	tree   *section
	env    map[string]string
	lines  map[string]int    // path → line of the YAML
	origin map[string]string // path → environment variable that set it
	faults Faults
}

func newLoader() *loader {
	l := &loader{env: map[string]string{}, lines: map[string]int{}, origin: map[string]string{}}
	l.tree = tree(&l.file)
	for _, t := range l.tree.settings() {
		if t.preset == "" {
			continue
		}
		if err := t.set(t.preset); err != nil {
			panic("config: default of " + t.path + ": " + err.Error())
		}
	}
	return l
}

func load(path string, environ []string) (*Config, error) {
	var text []byte
	if path != "" {
		var err error
		if text, err = readFile(path); err != nil {
			return nil, Faults{{Message: err.Error()}}
		}
	}
	return parse(text, environ)
}

// parse is Load of a file's text: defaults, then the file, then the environment, then every check.
func parse(text []byte, environ []string) (*Config, error) {
	l := newLoader()
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		l.env[name] = value
	}
	l.readYAML(text)
	l.readEnvironment()
	c := l.build()
	if len(l.faults) > 0 {
		return nil, l.faults.sorted()
	}
	return c, nil
}

// fault notes what is wrong with a path, at its line or under the environment variable that set it.
func (l *loader) fault(path, format string, args ...any) {
	f := Fault{Line: l.lines[path], Path: path, Message: fmt.Sprintf(format, args...)}
	if variable := l.origin[path]; variable != "" {
		f.Line, f.Path = 0, variable
	} else if f.Line == 0 {
		// An item of a list or a key of a section that was left out: the line of what is above it.
		for at := path; at != "" && f.Line == 0; {
			i := strings.LastIndexAny(at, ".[")
			at = at[:max(i, 0)]
			f.Line = l.lines[at]
			if variable := l.origin[at]; variable != "" {
				f.Line, f.Path = 0, variable
				break
			}
		}
	}
	// What follows from a fault already noted here or above is not told again.
	follows := func(g Fault) bool {
		return g.Path == f.Path || g.Path != "" && (strings.HasPrefix(f.Path, g.Path+".") || strings.HasPrefix(f.Path, g.Path+"["))
	}
	if !slices.ContainsFunc(l.faults, follows) {
		l.faults = append(l.faults, f)
	}
}

// readEnvironment overlays SSOGATE_<PATH> and SSOGATE_<PATH>_FILE. A variable of ours that means nothing is a fault: it is a
// setting that somebody believes to be made.
func (l *loader) readEnvironment() {
	known := map[string]*setting{}
	for _, t := range l.tree.settings() {
		known[t.env] = t
	}
	names := make([]string, 0, len(l.env))
	for name := range l.env {
		if strings.HasPrefix(name, envPrefix) && !notOurs(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if t := known[name]; t != nil {
			l.fromEnvironment(t, name, l.env[name])
			continue
		}
		t := known[strings.TrimSuffix(name, "_FILE")]
		if t == nil {
			l.faults = append(l.faults, Fault{Path: name, Message: "no such setting" + nearest(name, keysOf(known))})
			continue
		}
		if _, both := l.env[t.env]; both {
			l.faults = append(l.faults, Fault{Path: name, Message: t.env + " is set as well: only one of the two"})
			continue
		}
		value, err := readSecret(l.env[name])
		if err != nil {
			l.faults = append(l.faults, Fault{Path: name, Message: err.Error()})
			continue
		}
		l.fromEnvironment(t, name, value)
	}
}

func (l *loader) fromEnvironment(t *setting, name, value string) {
	l.origin[t.path] = name
	if !utf8.ValidString(value) {
		l.fault(t.path, "not UTF-8")
		return
	}
	if err := t.set(value); err != nil {
		l.fault(t.path, "%v", err)
	}
}

// notOurs are variables with our prefix that are no settings: those of tests, the name of the file itself, and what
// Kubernetes sets in every container beside a Service called ssogate.
func notOurs(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return rest == "CONFIG" || rest == "SERVICE_HOST" || rest == "PORT" ||
		strings.HasPrefix(rest, "TEST_") || strings.HasPrefix(rest, "SERVICE_PORT") || strings.HasPrefix(rest, "PORT_")
}

// readSecret reads a file that holds one value; line ends after it are not part of it.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", errors.New("names no file")
	}
	b, err := readFile(path)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(b), "\r\n")
	if value == "" {
		return "", fmt.Errorf("file %s is empty", path)
	}
	return value, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("file %s is larger than 1 MiB", path)
	}
	return b, nil
}

// expand replaces ${env:NAME} and ${file:/path} in a value of the YAML; $${ stands for ${ itself. What comes out of a
// reference is not looked at again.
func (l *loader) expand(text string) (string, error) {
	var b strings.Builder
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			return b.String() + text, nil
		}
		if i > 0 && text[i-1] == '$' {
			b.WriteString(text[:i-1] + "${")
			text = text[i+2:]
			continue
		}
		reference, rest, closed := strings.Cut(text[i+2:], "}")
		kind, name, _ := strings.Cut(reference, ":")
		b.WriteString(text[:i])
		text = rest
		switch {
		case closed && kind == "env":
			value, ok := l.env[name]
			if !ok {
				return "", fmt.Errorf("${env:%s}: no such environment variable", name)
			}
			b.WriteString(value)
		case closed && kind == "file":
			value, err := readSecret(name)
			if err != nil {
				return "", fmt.Errorf("${file:%s}: %w", name, err)
			}
			b.WriteString(value)
		default:
			return "", errors.New("a reference is ${env:NAME} or ${file:/path}; write $${ for ${ itself")
		}
	}
}
