package session_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// truth is a directory's list of revocations.
type truth struct {
	mu    sync.Mutex
	list  []session.Generation
	reads int
	fail  error
}

func (d *truth) add(g session.Generation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, g)
	slices.SortFunc(d.list, func(a, b session.Generation) int { return int(a.Seq - b.Seq) })
}

func (d *truth) read(_ context.Context, after int64, limit int) (page []session.Generation, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	for _, g := range d.list {
		if g.Seq > after && len(page) < limit {
			page = append(page, g)
		}
	}
	return page, d.fail
}

func (d *truth) failing(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// rounds waits until the directory was read n more times.
func (d *truth) rounds(t testing.TB, n int) {
	t.Helper()
	d.mu.Lock()
	until := d.reads + n
	d.mu.Unlock()
	eventually(t, "it is read again", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.reads >= until
	})
}

// follow runs Follow until the end of the test.
func follow(t testing.TB, m *session.Manager, since int64, read session.ReadGenerations) {
	ctx, cancel := context.WithCancel(bg)
	var done sync.WaitGroup
	done.Go(func() { m.Follow(ctx, time.Millisecond, since, read) })
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

func (h house) soonOver(t testing.TB, cookie string) {
	t.Helper()
	eventually(t, "the session is over", func() bool {
		_, err := h.Check(bg, cookie)
		return errors.Is(err, session.ErrMissing)
	})
}

func TestFollowCarriesRevocations(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		d := &truth{}
		d.add(session.Generation{Seq: 4, DomainID: "dom_1", MemberID: "old", Generation: 9})
		d.add(session.Generation{Seq: 5, DomainID: "dom_1", MemberID: "mem_1", Generation: 1})
		cookies := []string{h.mustStart(t, h.record("mem_1")), h.mustStart(t, h.record("mem_2")), h.mustStart(t, h.record("mem_3"))}
		settled := h.mustStart(t, h.record("old"))
		follow(t, h.Manager, 4, d.read)
		h.soonOver(t, cookies[0])
		h.lives(t, cookies[1])
		h.lives(t, settled) // before the given Seq: its sessions have ended long ago
		d.add(session.Generation{Seq: 8, DomainID: "dom_1", MemberID: "mem_2", Generation: 1})
		h.soonOver(t, cookies[1])
		// Committed late, with a Seq drawn earlier.
		d.add(session.Generation{Seq: 7, DomainID: "dom_1", MemberID: "mem_3", Generation: 1})
		h.soonOver(t, cookies[2])
		h.pass(11 * time.Second)
		d.rounds(t, 3)
		h.pass(11 * time.Second)
		d.rounds(t, 3)
		last := h.mustStart(t, h.record("mem_4"))
		d.add(session.Generation{Seq: 9, DomainID: "dom_1", Generation: 1})
		h.soonOver(t, last)
	})
}

func TestFollowReadsPageByPageAndPastWhatItCannotCarry(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		d := &truth{}
		for i := range 1203 {
			d.add(session.Generation{Seq: int64(i + 1), DomainID: "dom_1", MemberID: "mem_1", Generation: int64(i + 1)})
		}
		d.add(session.Generation{Seq: 1300, DomainID: "broken}id", Generation: 1})
		d.add(session.Generation{Seq: 1301, DomainID: "dom_1", MemberID: "mem_2", Generation: 1})
		one, two := h.record("mem_1"), h.mustStart(t, h.record("mem_2"))
		one.MemberGeneration = 1202
		cookie := h.mustStart(t, one)
		follow(t, h.Manager, 0, d.read)
		h.soonOver(t, cookie)
		h.soonOver(t, two)
	})
}

func TestFollowGoesOnAfterTheDirectoryFailed(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		d := &truth{}
		d.failing(errors.New("directory is down"))
		cookie := h.mustStart(t, h.record("mem_1"))
		follow(t, h.Manager, 0, d.read)
		d.rounds(t, 3)
		d.add(session.Generation{Seq: 1, DomainID: "dom_1", MemberID: "mem_1", Generation: 1})
		d.failing(nil)
		h.soonOver(t, cookie)
	})
}

// heard is a log that remembers its lines.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *heard) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *heard) says(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// A server that came back without its last writes must be told again, or who was signed out is signed in again. One that
// tells its name is known by it, another by its absence.
func TestFollowTellsANewServerEverything(t *testing.T) {
	for name, words := range map[string][]string{"named": nil, "nameless": {"--rename-command", "INFO", ""}} {
		t.Run(name, func(t *testing.T) {
			c, log, d := newClock(), &heard{}, &truth{}
			p := servers.NewRedis(t, words...)
			t.Cleanup(p.Stop)
			h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now}), c)
			h.Manager = session.NewManager(session.Options{State: h.state, Prefix: h.prefix, Now: c.now,
				Log: slog.New(slog.NewTextHandler(log, nil))})
			d.add(session.Generation{Seq: 1, DomainID: "dom_1", MemberID: "mem_1", Generation: 1})
			cookie := h.mustStart(t, h.record("mem_1"))
			follow(t, h.Manager, 0, d.read)
			h.soonOver(t, cookie)

			saved := snapshot(t, p.Addr, h.prefix+":{dom_1}:session:*")
			p.Stop()
			eventually(t, "its absence is told", func() bool { return log.says("revocations are not carried") })
			p.Start(t)
			t.Cleanup(p.Stop)
			restore(t, p.Addr, saved) // the session survived, the counter did not
			h.soonOver(t, cookie)
			if n := len(snapshot(t, p.Addr, h.prefix+":{dom_1}:session:*")); n != 1 {
				t.Fatalf("%d sessions are there: the test proves nothing", n)
			}
			for range 20 { // and stays over
				d.rounds(t, 1)
				h.over(t, cookie)
			}
			if !log.says("revocations are carried again") {
				t.Error("its return is not told")
			}
		})
	}
}

// snapshot and restore stand for a server that persisted some keys.
func snapshot(t testing.TB, addr, pattern string) map[string]string {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	saved := map[string]string{}
	keys, err := c.Keys(bg, pattern).Result()
	must(t, err)
	for _, k := range keys {
		saved[k], err = c.Get(bg, k).Result()
		must(t, err)
	}
	return saved
}

func restore(t testing.TB, addr string, saved map[string]string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	for k, v := range saved {
		must(t, c.Set(bg, k, v, time.Hour).Err())
	}
}
