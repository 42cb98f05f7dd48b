package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the bare handler, as main does.
func TestMain(m *testing.M) {
	if addr := os.Getenv(bareEnv); addr != "" {
		fail(serveBare(addr, os.Stdout))
		return
	}
	os.Exit(m.Run())
}

// even gives everything the same costs, so that each test changes one.
func even() results {
	r := results{}
	for _, g := range goals {
		for _, name := range append(append([]string{}, g.measured...), g.baseline...) {
			r[name] = costs{10, 10, 10}
		}
	}
	return r
}

func TestJudge(t *testing.T) {
	cases := []struct {
		change string
		costs  costs
		line   string // begins the name
		ratio  float64
		ok     bool
	}{
		{verifyAssertion, costs{170, 180, 1000}, "verify a signed assertion", 18, true},
		{verifyAssertion, costs{170, 181, 1000}, "verify a signed assertion", 18.1, false},
		{crewjamParse, costs{30, 30, 30}, "verify: how many times", 3, true},
		{crewjamParse, costs{29, 29, 29}, "verify: how many times", 2.9, false},
		{verifyEncrypted, costs{32, 32, 32}, "verify, encrypted", 1.6, true},
		{verifyEncrypted, costs{33, 33, 33}, "verify, encrypted", 1.65, false},
		{serveVerify, costs{10, 10}, "GET /auth/verify / bare", 1, true},
		{serveVerify, costs{11, 12}, "GET /auth/verify / bare", 1.15, false},
		{serveLogin, costs{500, 500, 500}, "whole login", 50, true},
	}
	for _, c := range cases {
		r := even()
		r[c.change] = c.costs
		lines, err := judge(r, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if strings.HasPrefix(l.Name, c.line) && (math.Abs(l.Ratio-c.ratio) > 1e-9 || l.OK != c.ok) {
				t.Errorf("%s %v: ratio %v, ok %v; want %v, %v", c.change, c.costs, l.Ratio, l.OK, c.ratio, c.ok)
			}
		}
	}
	r := even()
	r[rsaVerify] = costs{0, 0, 0}
	if _, err := judge(r, false); err == nil {
		t.Error("a baseline that cost nothing is believed")
	}
}

func TestAlternateTakesTurns(t *testing.T) {
	var order strings.Builder
	work := func(name string) task {
		return task{name, func() error {
			order.WriteString(name)
			for n := range 200_000 {
				if n < 0 {
					t.Error("unreachable")
				}
			}
			return nil
		}}
	}
	got, err := alternate(t.Context(), []task{work("a"), work("b")}, 2, time.Millisecond)
	if err != nil || len(got["a"]) != 2 || len(got["b"]) != 2 {
		t.Fatalf("%v: %v", got, err)
	}
	var turns []byte // one letter for each change
	for _, c := range []byte(order.String()) {
		if len(turns) == 0 || turns[len(turns)-1] != c {
			turns = append(turns, c)
		}
	}
	if string(turns) != "ababab" { // calibration, then two rounds
		t.Errorf("turns %s", turns)
	}
}

// TestRun is the whole program, short: real Redis, real gateway, a report with every line.
func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	var out strings.Builder
	if _, err := run(t.Context(), options{out: path, rounds: 3, slice: time.Millisecond, requests: 200, logins: 4, domains: 5, inFlight: 20}, &out); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	if err := json.Unmarshal(raw, &lines); err != nil || len(lines) != len(goals) {
		t.Fatalf("report of %d lines: %v\n%s", len(lines), err, raw)
	}
	for i, l := range lines {
		if l.Name != goals[i].name || l.Ratio <= 0 || l.Measured <= 0 || l.Baseline <= 0 || !strings.Contains(out.String(), l.Name) {
			t.Errorf("%+v", l)
		}
	}
}
