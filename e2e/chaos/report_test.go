package chaos_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
)

// report is docs/chaos.md in the making.
type report struct {
	mu   sync.Mutex
	rows []*row
}

// row is one fault: what was promised and what came of it.
type row struct {
	t       *testing.T
	full    bool
	number  string
	fault   string
	promise string

	mu    sync.Mutex
	seen  []string // figures
	unmet []string // promises that do not hold
}

// row begins the row of a fault of the matrix.
func (r *report) row(w *town, number, fault, promise string) *row {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := &row{t: w.t, full: w.full, number: number, fault: fault, promise: promise}
	r.rows = append(r.rows, x)
	return x
}

// figure notes what was seen.
func (r *row) figure(format string, args ...any) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	r.seen = append(r.seen, line)
	r.t.Logf("fault %s: %s", r.number, line)
}

// must is a promise about behaviour: it holds in both forms or the test fails.
func (r *row) must(holds bool, format string, args ...any) {
	r.t.Helper()
	if holds {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	r.unmet = append(r.unmet, line)
	r.t.Errorf("fault %s: %s", r.number, line)
}

// everybody is the promise that every login succeeds. One that a busy machine disturbed (a database slower than its limit is a
// 503 with Retry-After) is told, and must succeed when it is tried once more.
func (r *row) everybody(t tally) {
	r.t.Helper()
	r.must(t.in+t.inAgain == t.logins && t.logins > 0, "%d of %d logins fail: %v", t.logins-t.in-t.inAgain, t.logins, t.errors)
	if t.in < t.logins {
		r.figure("%d of %d logins needed a second try, %v (%s)", t.inAgain, t.logins, t.errors, notMet)
	}
}

// noise is how much longer than promised something may take before the full form fails: machines are shared.
func noise(promised time.Duration) time.Duration { return 3*promised + time.Second }

// within is a promise about time. The short form only reports it; the full form says when it was not met and fails when
// noise does not explain it.
func (r *row) within(what string, got, promised time.Duration) {
	r.t.Helper()
	verdict := "promised " + promised.String()
	if got > promised+promised/50 {
		verdict += ", " + notMet
	}
	r.figure("%s %s (%s)", what, round(got), verdict)
	if r.full && got > noise(promised) {
		r.must(false, "%s takes %s, promised are %s", what, round(got), promised)
	}
}

func round(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// whole says whether every fault was brought about: a run of a few of them (-run) writes no report.
func (r *report) whole() bool {
	numbers := map[string]bool{}
	for _, x := range r.rows {
		numbers[x.number] = true
	}
	return len(numbers) == 17
}

// write writes docs/chaos.md.
func (r *report) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, head, time.Now().UTC().Format("2006-01-02"), runtime.GOMAXPROCS(0), load())
	b.WriteString("\n| # | fault | holds |\n|---|---|---|\n")
	slices.SortStableFunc(r.rows, func(a, b *row) int { return cmp.Or(len(a.number)-len(b.number), strings.Compare(a.number, b.number)) })
	for _, x := range r.rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", x.number, x.fault, x.verdict())
	}
	for _, x := range r.rows {
		fmt.Fprintf(&b, "\n## %s. %s\n\nPromised: %s.\n\n", x.number, x.fault, x.promise)
		for _, line := range x.seen {
			fmt.Fprintf(&b, "* %s\n", line)
		}
		for _, line := range x.unmet {
			fmt.Fprintf(&b, "* **Does not hold:** %s\n", line)
		}
	}
	b.WriteString(foot)
	if err := os.WriteFile(filepath.Join(e2e.Root(), "docs", "chaos.md"), []byte(b.String()), 0o644); err != nil {
		t.Error(err)
	}
}

// verdict is the row in a word.
func (r *row) verdict() string {
	switch {
	case len(r.unmet) > 0:
		return "**no**"
	case strings.Contains(strings.Join(r.seen, ""), notMet):
		return "yes, but for what is marked"
	default:
		return "yes"
	}
}

// notMet marks a promise that this run missed by what a busy machine explains.
const notMet = "**not met in this run**"

// load is how busy the machine has been in the last minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(text)); err == nil && len(f) > 2 {
		return strings.Join(f[:3], ", ")
	}
	return "unknown"
}

const head = `# What happens when things break

Written by ` + "`make chaos`" + `, which runs ` + "`e2e/chaos`" + ` in its full form: three nodes behind HAProxy (deploy/haproxy.cfg, nothing
sticky), PostgreSQL, and Redis alone or as a primary and two replicas under three sentinels; a crowd signs in by SAML and by the
works contract all the while. Faults are numbered as in the fault matrix of the security rules.

Last run: %s, %d processors shared with other programs (load average %s). Times are those of this machine and this minute;
a promise about time counts as broken when it is missed by more than four times its length and a second.
`

const foot = `
## Invariants

In every row the whole history of requests was checked: (a) an assertion, a code, a state or a login handle lets somebody in at
most once; (b) after a revocation was acknowledged no request that began more than a second later succeeds on any node (10 s in a
parted network); (c) a session belongs for ever to one domain and member.

## What to know

* The group of rows 5 and 6 has ` + "`min-replicas-to-write 1`" + ` and ` + "`min-replicas-max-lag 2`" + `. They bound how long an old primary that is
  alone with a node lets in on its side what was also sent to the other side. Without them there is no bound.
* A node whose Redis may not know of all revocations (another server than before, or one that takes no writes while something was
  revoked) answers 503 to every session until it does. That is on purpose: nobody can know who was signed out.
* Behind the balancer an outage of Redis lasts ` + "`inter` × `rise`" + ` longer than for the nodes, 2 s with the sample configuration.
* Each call to a provider is cut after 5 s. A provider that is slow at two calls holds its own person longer than that, and nobody else.
* A provider that changes its SAML key without naming it before locks its own people out until its metadata is fetched again
  (` + "`saml.metadata_refresh`" + `, one hour). With OpenID Connect it is a minute.
* A failed refresh of SAML metadata is a warning in the log each time. OpenID Connect keys that are old because they could not be fetched
  are used for eight days without a warning.
* An ID token is good as long as it says, so a node whose clock is 5 minutes ahead still accepts one that lives for an hour.
* FLUSHALL, or a failover that loses the last writes, also loses the marks of used IdP-initiated assertions: see divergences.md.

The short form (` + "`go test ./e2e/chaos`" + `) runs with every ` + "`make test`" + `: the same faults with fewer people and rounds. It asserts
what is let in and what is refused, and judges no times.
`
