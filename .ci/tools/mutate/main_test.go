package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const sample = `package sample

import "errors"

type judge struct{}

func (judge) check(name string, ok bool) error {
	if ok {
		return nil
	}
	return errors.New(name)
}

func Tested(n int) error {
	var j judge
	if n == 1 {
		return errors.New("one")
	}
	return j.check("two", n != 2)
}

func NotTested(n int) bool {
	if n == 3 {
		return false
	}
	return true
}

func Known(n int) error {
	switch n {
	case 4:
		return errors.New("four")
	}
	return nil
}
`

const sampleTest = `package sample

import "testing"

func Test(t *testing.T) {
	if Tested(0) != nil || Tested(1) == nil || Tested(2) == nil || !NotTested(0) || Known(0) != nil {
		t.Fail()
	}
}
`

func TestMutate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module sample\n\ngo 1.26.0\n", "sample.go": sample, "sample_test.go": sampleTest} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	o := options{file: regexp.MustCompile(""), parallel: 2, limit: time.Minute,
		equivalent: map[string]string{`sample.go Known: return errors.New("four")`: "for this test"}}
	got, err := judge(".", o)
	if err != nil {
		t.Fatal(err)
	}
	// Red: the two of Tested, and the error that check itself returns. Green: that of NotTested.
	if want := (tally{red: 3, green: 1, equivalent: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	o.equivalent = map[string]string{"sample.go Gone: x": "nothing"}
	if _, err := judge(".", o); err == nil || !strings.Contains(err.Error(), "Gone") {
		t.Errorf("a stale line passes: %v", err)
	}
	o.equivalent = nil
	os.WriteFile("sample_test.go", []byte(strings.Replace(sampleTest, "t.Fail()", "", 1)), 0o600)
	if got, err = judge(".", o); err != nil || got.red != 0 || got.green != 5 {
		t.Errorf("tests that see nothing: %+v, %v", got, err)
	}
	os.WriteFile("sample_test.go", []byte(strings.Replace(sampleTest, "Tested(0) != nil", "true", 1)), 0o600)
	if _, err = judge(".", o); err == nil {
		t.Error("tests that fail by themselves prove nothing")
	}
}
