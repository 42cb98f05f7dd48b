// Testsummary reads what "go test -json" prints and tells it shortly: the output of what failed, one line for each package,
// and at the end "N passed, N failed". It exits with 1 when anything failed or was skipped, when no test ran, or when its
// input is not what go test prints: a run that tested nothing is not a good run.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of "go test -json" (see go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Output     string
	Elapsed    float64
}

// summary counts tests, sub-tests included. A package that fails outside its tests, or cannot be built, is one failure.
type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	output                  map[[2]string][]string // by package and test, until that ends
	failedTests             map[string]int         // by package
}

func main() {
	s := &summary{out: os.Stdout, output: map[[2]string][]string{}, failedTests: map[string]int{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		s.failed++
	}
	os.Exit(s.close())
}

func (s *summary) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("not a line of go test -json: %s", lines.Text())
		}
		s.take(e)
	}
	return lines.Err()
}

func (s *summary) take(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e)
		}
		delete(s.output, key)
	}
}

func (s *summary) endTest(e event) {
	switch e.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		s.print(e)
	case "fail":
		s.failed++
		s.failedTests[e.Package]++
		s.print(e)
	}
}

func (s *summary) endPackage(e event) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(s.out, "ok  \t%s\t%.1fs\n", e.Package, e.Elapsed)
	case "fail": // "skip" is a package without test files
		if s.failedTests[e.Package] == 0 {
			s.failed++
		}
		s.printUnfinished(e.Package)
		s.print(e)
		fmt.Fprintf(s.out, "FAIL\t%s\t%.1fs\n", e.Package, e.Elapsed)
	}
}

// printUnfinished shows what tests said that never came to an end: a panic or a time limit.
func (s *summary) printUnfinished(pkg string) {
	var tests []string
	for key := range s.output {
		if key[0] == pkg && key[1] != "" {
			tests = append(tests, key[1])
		}
	}
	slices.Sort(tests)
	for _, test := range tests {
		s.print(event{Package: pkg, Test: test})
	}
}

// print shows what a test or package said, without the frame that go test puts around it.
func (s *summary) print(e event) {
	for _, line := range s.output[[2]string{e.Package, e.Test}] {
		if strings.HasPrefix(line, "=== ") || e.Test == "" && strings.HasPrefix(line, "FAIL\t") {
			continue
		}
		fmt.Fprint(s.out, line)
	}
}

// close prints the last line and returns the exit code.
func (s *summary) close() int {
	fmt.Fprintf(s.out, "%d passed, %d failed", s.passed, s.failed)
	if s.skipped > 0 {
		fmt.Fprintf(s.out, ", %d skipped", s.skipped)
	}
	fmt.Fprintln(s.out)
	if s.failed > 0 || s.skipped > 0 || s.passed == 0 {
		return 1
	}
	return 0
}
