package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	const pass = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
`
	cases := map[string]struct {
		in   string
		want string
		code int
	}{
		"good":           {pass + `{"Action":"pass","Package":"p","Elapsed":1}`, "ok  \tp\t1.0s\n1 passed, 0 failed\n", 0},
		"nothing ran":    {`{"Action":"skip","Package":"p"}`, "0 passed, 0 failed\n", 1},
		"no input":       {"", "0 passed, 0 failed\n", 1},
		"skipped":        {pass + `{"Action":"skip","Package":"p","Test":"TestB"}`, "1 passed, 0 failed, 1 skipped\n", 1},
		"not from tests": {pass + "go: no such tool\n", "1 passed, 1 failed\n", 1},
		"failed test": {pass + `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:1: bad\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t2s\n"}
{"Action":"fail","Package":"p","Elapsed":2}`, "    b_test.go:1: bad\nFAIL\tp\t2.0s\n1 passed, 1 failed\n", 1},
		"time limit": {`{"Action":"output","Package":"p","Test":"TestB","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"p","Elapsed":600}` + "\n" + strings.ReplaceAll(pass, `"p"`, `"q"`),
			"panic: test timed out\nFAIL\tp\t600.0s\n1 passed, 1 failed\n", 1},
		"not built": {`{"ImportPath":"p","Action":"build-output","Output":"p.go:1: syntax error\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p"}` + "\n" + strings.ReplaceAll(pass, `"p"`, `"q"`),
			"p.go:1: syntax error\nFAIL\tp\t0.0s\n1 passed, 1 failed\n", 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s := &summary{out: &out, output: map[[2]string][]string{}, failedTests: map[string]int{}}
			if err := s.read(strings.NewReader(c.in)); err != nil {
				s.failed++
			}
			if code := s.close(); code != c.code || out.String() != c.want {
				t.Errorf("want %d and %q, got %d and %q", c.code, c.want, code, out.String())
			}
		})
	}
}
