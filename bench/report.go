package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// goal is one comparison: the costs of the measured things together, over those of the baseline things together.
type goal struct {
	name     string
	measured []string
	baseline []string
	bound    float64 // 0: no goal, shown only
	least    bool    // the baseline over the measured must be at least the bound: "so many times faster"
	unit     string  // default µs of processor time
}

// fixed are limits that are no measurements.
const (
	limit12MiB  = "12 MiB"
	limit32MiB  = "32 MiB"
	limit300MiB = "300 MiB"
	limit50ms   = "50 ms"
	limit100ms  = "100 ms"
)

func fixed() results {
	return results{limit12MiB: {12}, limit32MiB: {32}, limit300MiB: {300}, limit50ms: {50}, limit100ms: {100}}
}

// goals are those that the design promises; the lines without a bound only inform.
var goals = allGoals()

func allGoals() []goal {
	all := slices.Clone(ratios[:])
	all = append(all,
		goal{"client_cache, p99 until an ended session is refused / 100 ms", []string{revoked}, []string{limit100ms}, 1, false, "ms"},
		goal{"many domains, more memory / 12 MiB", []string{manyDomains}, []string{limit12MiB}, 1, false, "MiB"},
		goal{"many domains, start to first login / 100 ms", []string{firstLogin}, []string{limit100ms}, 1, false, "ms"},
		goal{"many logins under way, memory / 300 MiB", []string{inFlight}, []string{limit300MiB}, 1, false, "MiB"})
	for _, route := range hostileRoutes() {
		all = append(all,
			goal{"hostile request, " + route + ", processor time / 50 ms", []string{hostileCPU(route)}, []string{limit50ms}, 1, false, "ms"},
			goal{"hostile request, " + route + ", allocated / 32 MiB", []string{hostileMemory(route)}, []string{limit32MiB}, 1, false, "MiB"})
	}
	return append(all, goal{"p99 of a login, beside a hung provider / one that answers", []string{besideHung}, []string{besideLive}, 1.1, false, "µs"})
}

var ratios = [...]goal{
	{"verify a signed assertion / RSA verification", []string{verifyAssertion}, []string{rsaVerify}, 18, false, ""},
	{"verify a signed response / RSA verification", []string{verifyResponse}, []string{rsaVerify}, 18, false, ""},
	{"verify: how many times faster than crewjam/saml", []string{verifyAssertion}, []string{crewjamParse}, 3, true, ""},
	{"verify, encrypted / RSA decryption + RSA verification", []string{verifyEncrypted}, []string{rsaDecrypt, rsaVerify}, 1.6, false, ""},
	{"login start, signed / RSA signature", []string{startSigned}, []string{rsaSign}, 1.1, false, ""},
	{"login start, unsigned / deflate", []string{startUnsigned}, []string{deflate}, 2, false, ""},
	{"GET /auth/verify / bare handler with one Redis GET", []string{serveVerify}, []string{serveBareGet}, 1, false, ""},
	{"GET /auth/verify with client_cache / the same bare handler", []string{serveCached}, []string{serveBareGet}, 0.65, false, ""},
	{"POST /acs, all of it / RSA verification", []string{serveACS}, []string{serveRSA}, 25, false, ""},
	{"verify, both signed / RSA verification", []string{verifyBoth}, []string{rsaVerify}, 0, false, ""},
	{"whole login, start and answer / crewjam/saml's parse alone", []string{serveLogin}, []string{crewjamParse}, 0, false, ""},
}

// line is one row of the report.
type line struct {
	Name     string  `json:"name"`
	Ratio    float64 `json:"ratio"`
	Goal     float64 `json:"goal,omitempty"`
	Want     string  `json:"want,omitempty"` // "at most" or "at least" the goal
	OK       bool    `json:"ok"`             // true where there is no goal
	Measured float64 `json:"measured"`       // of this machine only
	Baseline float64 `json:"baseline"`
	Unit     string  `json:"unit"`
}

// judge compares round by round, for what disturbs a machine disturbs neighbours alike, and takes the median. Of a part of the
// measurements only those goals are judged that have all they need.
func judge(r results, part bool) ([]line, error) {
	var lines []line
	for _, g := range goals {
		if part && !r.has(g) {
			continue
		}
		measured, baseline := r.sum(g.measured), r.sum(g.baseline)
		if len(measured) == 0 || len(baseline) == 0 || slices.Min(measured) <= 0 || slices.Min(baseline) <= 0 {
			return nil, fmt.Errorf("bench: %s: too little was measured", g.name)
		}
		l := line{Name: g.name, Ratio: ratio(measured, baseline), Goal: g.bound, Measured: median(measured), Baseline: median(baseline), Unit: cmp.Or(g.unit, "µs")}
		switch {
		case g.bound == 0:
			l.OK = true
		case g.least:
			l.Ratio, l.Want = ratio(baseline, measured), "at least"
			l.OK = l.Ratio >= g.bound
		default:
			l.Want = "at most"
			l.OK = l.Ratio <= g.bound
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func (r results) has(g goal) bool {
	for _, name := range append(slices.Clone(g.measured), g.baseline...) {
		if len(r[name]) == 0 {
			return false
		}
	}
	return true
}

// sum adds the costs of several things, round by round.
func (r results) sum(names []string) costs {
	total := slices.Clone(r[names[0]])
	for _, name := range names[1:] {
		for i := range total {
			total[i] += r[name][i]
		}
	}
	return total
}

// ratio is the median over the rounds; things of different numbers of rounds did not take turns, so their medians are compared.
func ratio(a, b costs) float64 {
	if len(a) != len(b) {
		return median(a) / median(b)
	}
	quotients := make(costs, len(a))
	for i := range a {
		quotients[i] = a[i] / b[i]
	}
	return median(quotients)
}

func median(c costs) float64 {
	sorted := slices.Sorted(slices.Values(c))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func table(w io.Writer, lines []line) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tratio\tgoal\t\tmeasured\tbaseline\t")
	for _, l := range lines {
		goal, verdict := "", ""
		if l.Want != "" {
			goal, verdict = fmt.Sprintf("%s %g", l.Want, l.Goal), "met"
			if !l.OK {
				verdict = strings.ToUpper("not met")
			}
		}
		fmt.Fprintf(t, "%s\t%.2f\t%s\t%s\t%.1f\t%.1f\t%s\n", l.Name, l.Ratio, goal, verdict, l.Measured, l.Baseline, l.Unit)
	}
	t.Flush()
}
