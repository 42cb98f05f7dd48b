package chaos_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// slowloris opens many connections to a node that send a header, a body or nothing, as slowly as they can.
func slowloris(w *town, r *row) {
	many := pick(w, 60, 500)
	node := w.nodes[0]
	base := w.honest()
	ctx, stop := context.WithCancel(w.t.Context())
	defer stop()
	var all sync.WaitGroup
	var mu sync.Mutex
	var closed []time.Duration
	for i := range many {
		all.Go(func() {
			if d := w.dribble(ctx, node.Listen, i%3); d > 0 {
				mu.Lock()
				closed = append(closed, d)
				mu.Unlock()
			}
		})
	}
	rest(ctx, 300*time.Millisecond)
	under := w.honest()
	if w.full { // until the slow headers must be gone
		rest(ctx, 8*time.Second)
	}
	stop()
	all.Wait()
	ratio := float64(quantile(under, .99)) / float64(max(quantile(base, .99), time.Microsecond))
	r.figure("%d connections that dribble headers or bodies or idle: honest checks p99 %s beside %s (ratio %.1f, promised 2)", many,
		round(quantile(under, .99)), round(quantile(base, .99)), ratio)
	if w.full {
		r.must(len(closed) >= many/3, "only %d of %d slow headers were closed", len(closed), many/3)
		r.within("slow headers closed after", slices.Max(append(closed, 0)), 5*time.Second)
		r.must(ratio < 8, "honest p99 grows %.1f times", ratio)
	}
}

// honest asks a node about a living session again and again.
func (w *town) honest() (times []time.Duration) {
	w.t.Helper()
	v := w.signedIn(worksDomain, person(2))
	for range pick(w, 150, 1500) {
		e := v.check(w.nodes[0])
		if e.status != http.StatusOK {
			w.t.Errorf("an honest check is answered %d", e.status)
		}
		times = append(times, e.took())
	}
	slices.Sort(times)
	return times
}

func quantile(times []time.Duration, q float64) time.Duration {
	return tally{times: times}.quantile(q)
}

// dribble sends one byte now and then and says after what time the node closed a connection whose header never ended.
func (w *town) dribble(ctx context.Context, address string, how int) time.Duration {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	began := time.Now()
	name := strings.TrimPrefix(w.url, "http://")
	switch how {
	case 0:
		fmt.Fprintf(c, "GET /auth/verify HTTP/1.1\r\nHost: %s\r\nX-Slow: ", name)
	case 1:
		fmt.Fprintf(c, "POST /acs/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nSAMLResponse=", samlDomain, name)
	case 2:
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", name)
		io.Copy(io.Discard, c) // until it is closed
		return 0
	}
	closed := make(chan struct{})
	go func() { io.Copy(io.Discard, c); close(closed) }()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-closed:
			if how == 0 && ctx.Err() == nil {
				return time.Since(began)
			}
			return 0
		case <-tick.C:
			c.Write([]byte("a"))
		}
	}
}

var resident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// rss is the memory of a node in MiB.
func (w *town) rss(i int) int {
	w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.nodes[i].PID()))
	w.must(err)
	kb, err := strconv.Atoi(string(resident.FindSubmatch(text)[1]))
	w.must(err)
	return kb >> 10
}

// underWay lets many people sit at the provider at once.
func underWay(w *town, r *row) {
	many := pick(w, 1000, 10_000)
	admin := w.admin()
	before := w.memory(admin.Info(bg, "memory").Val())
	began := time.Now()
	w.starts(many)
	took := time.Since(began)
	each := (w.memory(admin.Info(bg, "memory").Val()) - before) / many
	largest := 0
	for _, key := range admin.Keys(bg, "ssogate:login:*").Val() {
		largest = max(largest, int(admin.MemoryUsage(bg, key).Val()))
	}
	var sizes []string
	for i := range w.nodes {
		mib := w.rss(i)
		sizes = append(sizes, fmt.Sprintf("%d MiB", mib))
		r.must(mib <= 300, "node %d holds %d MiB", i+1, mib)
	}
	r.figure("%d logins begun in %s: %d bytes each in Redis (largest %d), nodes hold %s", many, round(took), each, largest, strings.Join(sizes, ", "))
	r.must(each <= 2048, "%d bytes for each login in Redis", each)
	w.signedIn(samlDomain, person(0))
}

var usedMemory = regexp.MustCompile(`(?m)^used_memory:(\d+)`)

func (w *town) memory(info string) int {
	m := usedMemory.FindStringSubmatch(info)
	if m == nil {
		w.t.Fatalf("Redis does not tell its memory: %s", info)
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// starts begins so many logins, 16 at a time, and stays at the provider.
func (w *town) starts(many int) {
	w.t.Helper()
	turns := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range turns {
				r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.loginURL([]string{samlDomain, worksDomain}[i%2]), nil)
				if err != nil {
					w.t.Error(err)
					continue
				}
				resp, err := w.direct.RoundTrip(r)
				if err != nil {
					w.t.Error(err)
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusSeeOther {
					w.t.Errorf("a login start is answered %d", resp.StatusCode)
				}
			}
		})
	}
	for i := range many {
		turns <- i
	}
	close(turns)
	all.Wait()
}

// herd: every session ends at the same moment, and everybody comes at once to nodes that remember nothing.
func herd(w *town, r *row) {
	admin := w.admin()
	w.must(admin.FlushAll(bg).Err())
	for _, n := range w.nodes { // a cold start
		n.Kill()
		n.Again(w.t)
	}
	w.eventually("every node is in the balancer's turn", func() bool { return w.balancer.up(w.t) == len(w.nodes) })
	const settled = 11 * time.Second // PostgreSQL tells its counters so late
	rest(w.t.Context(), settled)
	from, a := time.Now(), w.transactions()
	rest(w.t.Context(), settled)
	quiet := float64(w.transactions()-a) / time.Since(from).Seconds()
	from, a = time.Now(), w.transactions()
	const many = 4000
	w.starts(many)
	took := time.Since(from)
	rest(w.t.Context(), settled)
	extra := float64(w.transactions()-a) - quiet*time.Since(from).Seconds()
	r.figure("%d login starts in %s cost %.0f transactions more than at rest, one for %.0f of them", many, round(took), extra,
		many/max(extra, 1))
	r.must(extra < many/4, "%.0f transactions for %d login starts", extra, many)
}

// transactions of the town's database so far.
func (w *town) transactions() int {
	w.t.Helper()
	out, err := exec.Command("psql", w.database, "-qtAc", "select xact_commit from pg_stat_database where datname = current_database()").Output()
	w.must(err)
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	w.must(err)
	return n
}
