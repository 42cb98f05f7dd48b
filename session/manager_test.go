package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

var bg = context.Background()

// house is a Manager with its State and clock.
type house struct {
	*session.Manager
	*clock
	state  session.State
	prefix string
}

// drivers runs a test over each driver; lives in Redis are by its own clock, so only the records' limits follow the fake one.
func drivers(t *testing.T, test func(t *testing.T, h house)) {
	t.Run("embedded", func(t *testing.T) {
		c := newClock()
		test(t, newHouse(openEmbedded(t, t.TempDir()+"/state.db", c.now), c))
	})
	t.Run("redis", func(t *testing.T) {
		c := newClock()
		test(t, newHouse(openRedis(t, session.RedisOptions{Addresses: []string{servers.Redis(t)}, Now: c.now}), c))
	})
}

func newHouse(s session.State, c *clock) house {
	prefix := "test-" + rand.Text()
	return house{session.NewManager(session.Options{State: s, Prefix: prefix, Now: c.now}), c, s, prefix}
}

func (h house) record(member string) session.Record {
	return session.Record{MemberID: member, DomainID: "dom_1", Domain: "mycompany.com", Account: member + "@mycompany.com",
		Protocol: "saml", Idle: 1800, Expires: h.now().Add(12 * time.Hour)}
}

func (h house) mustStart(t testing.TB, rec session.Record) string {
	t.Helper()
	cookie, err := h.Start(bg, rec)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func (h house) lives(t testing.TB, cookie string) session.Record {
	t.Helper()
	rec, err := h.Check(bg, cookie)
	if err != nil {
		t.Fatalf("want a living session, got %v", err)
	}
	return rec
}

func (h house) over(t testing.TB, cookie string) {
	t.Helper()
	if rec, err := h.Check(bg, cookie); !errors.Is(err, session.ErrMissing) {
		t.Fatalf("want ErrMissing, got %v and member %q", err, rec.MemberID)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSessionSaysWhatItWasStartedWith(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		want := session.Record{MemberID: "mem_1", DomainID: "dom_1", Domain: "mycompany.com", Account: "a@mycompany.com",
			ExternalKey: "k-1", Name: "山田 太郎", Revision: 3, Protocol: "saml", Idle: 60, Expires: h.now().Add(time.Hour),
			DomainGeneration: 4, MemberGeneration: 5, IdPIssuer: "https://idp", IdPNameID: "n", IdPSession: "_s",
			Address: "192.0.2.1", UserAgent: "agent \"x\"", AttemptRef: "R1"}
		got := h.lives(t, h.mustStart(t, want))
		want.Created, want.LastSeen = h.now(), h.now()
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestSessionEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(h house, rec *session.Record)
		end    func(t *testing.T, h house, cookie string)
	}{
		"by sign-out": {end: func(t *testing.T, h house, cookie string) {
			must(t, h.End(bg, cookie))
			must(t, h.End(bg, cookie)) // ending what is not there is no error
		}},
		"by its idle limit":      {end: func(_ *testing.T, h house, _ string) { h.pass(30 * time.Minute) }},
		"by its absolute limit":  {func(_ house, r *session.Record) { r.Idle = 0 }, func(_ *testing.T, h house, _ string) { h.pass(12 * time.Hour) }},
		"by a domain generation": {end: func(t *testing.T, h house, _ string) { must(t, h.RaiseGeneration(bg, "dom_1", "", 1)) }},
		"by a member generation": {end: func(t *testing.T, h house, _ string) { must(t, h.RaiseGeneration(bg, "dom_1", "mem_1", 1)) }},
		"by another Manager's generation": {end: func(t *testing.T, h house, _ string) {
			other := session.NewManager(session.Options{State: h.state, Prefix: h.prefix, Now: h.now})
			must(t, other.RaiseGeneration(bg, "dom_1", "mem_1", 1))
		}},
		"by a counter that cannot be read": {end: func(t *testing.T, h house, cookie string) {
			must(t, h.state.Set(bg, h.prefix+":{dom_1}:gen", []byte("x"), 0))
			if _, err := h.Check(bg, cookie); !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("want ErrUnavailable, got %v", err)
			}
			must(t, h.End(bg, cookie))
			must(t, h.state.Delete(bg, h.prefix+":{dom_1}:gen"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			drivers(t, func(t *testing.T, h house) {
				rec := h.record("mem_1")
				if tc.change != nil {
					tc.change(h, &rec)
				}
				cookie := h.mustStart(t, rec)
				h.lives(t, cookie)
				tc.end(t, h, cookie)
				h.over(t, cookie)
				if got, err := h.List(bg, "dom_1", "mem_1"); err != nil || len(got) != 0 {
					t.Fatalf("still listed: %v, %v", got, err)
				}
			})
		})
	}
}

func TestGenerationsEndOnlyWhatIsOlderAndTheirs(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		old, young, neighbour, abroad := h.record("mem_1"), h.record("mem_1"), h.record("mem_2"), h.record("mem_1")
		young.DomainGeneration, young.MemberGeneration = 2, 7
		abroad.DomainID = "dom_2"
		cookies := []string{h.mustStart(t, old), h.mustStart(t, young), h.mustStart(t, neighbour), h.mustStart(t, abroad)}
		must(t, h.RaiseGeneration(bg, "dom_1", "mem_1", 7))
		must(t, h.RaiseGeneration(bg, "dom_1", "mem_1", 6)) // never lowered
		h.over(t, cookies[0])
		for _, c := range cookies[1:] {
			h.lives(t, c)
		}
		must(t, h.RaiseGeneration(bg, "dom_1", "", 2))
		h.over(t, cookies[2])
		h.lives(t, cookies[1])
		h.lives(t, cookies[3])
		if h.RaiseGeneration(bg, "dom}1", "", 1) == nil || h.RaiseGeneration(bg, "dom_1", "a.b", 1) == nil {
			t.Fatal("a malformed ID was accepted")
		}
	})
}

func TestUseKeepsASessionAliveButNeverPastItsAbsoluteLimit(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		cookie := h.mustStart(t, h.record("mem_1"))
		began := h.now()
		for range 12*3 - 1 { // every 20 minutes, idle limit 30
			h.pass(20 * time.Minute)
			if rec := h.lives(t, cookie); !rec.LastSeen.Equal(h.now()) || !rec.Created.Equal(began) {
				t.Fatalf("last seen %v, created %v at %v", rec.LastSeen, rec.Created, h.now())
			}
		}
		h.pass(20 * time.Minute)
		h.over(t, cookie)
	})
}

// The server itself forgets a session at the earlier of its limits, also after a note of its last use.
func TestRedisForgetsASessionWithItsLimits(t *testing.T) {
	c := newClock()
	addr := servers.Redis(t)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{addr}, Now: c.now}), c)
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	atMost := func(limit time.Duration) {
		t.Helper()
		keys, err := client.Keys(bg, h.prefix+":*:session:*").Result()
		must(t, err)
		if len(keys) != 1 {
			t.Fatalf("keys %q", keys)
		}
		left, err := client.PTTL(bg, keys[0]).Result()
		must(t, err)
		if left <= 0 || left > limit {
			t.Fatalf("%v left, want at most %v", left, limit)
		}
	}
	rec := h.record("mem_1")
	rec.Expires = h.now().Add(50 * time.Minute)
	cookie := h.mustStart(t, rec)
	atMost(30 * time.Minute)
	for _, limit := range []time.Duration{30 * time.Minute, 10 * time.Minute} {
		h.pass(20 * time.Minute)
		h.lives(t, cookie)
		atMost(limit)
	}
}

func TestLastUseIsNotedAtMostOncePerMinute(t *testing.T) {
	c := newClock()
	counted := &counting{State: openEmbedded(t, t.TempDir()+"/state.db", c.now)}
	h := newHouse(counted, c)
	cookie := h.mustStart(t, h.record("mem_1"))
	for range 180 {
		h.pass(time.Second)
		h.lives(t, cookie)
	}
	if counted.replaced != 3 || counted.asked != 180 {
		t.Fatalf("%d notes and %d questions in 3 minutes with a check every second, want 3 and 180", counted.replaced, counted.asked)
	}
}

// counting counts the round trips of a check, and fails or interrupts its note of last use.
type counting struct {
	session.State
	asked, replaced int
	before          func()
	fail, unknown   error
}

func (c *counting) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	c.asked++
	if c.unknown != nil {
		return nil, c.unknown
	}
	return c.State.GetMany(ctx, keys...)
}

func (c *counting) Replace(ctx context.Context, key string, value []byte, life time.Duration) error {
	c.replaced++
	if c.before != nil {
		c.before()
	}
	if c.fail != nil {
		return c.fail
	}
	return c.State.Replace(ctx, key, value, life)
}

func TestASessionEndedDuringACheckStaysEnded(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		counted := &counting{State: h.state}
		m := session.NewManager(session.Options{State: counted, Prefix: h.prefix, Now: h.now})
		cookie := h.mustStart(t, h.record("mem_1"))
		counted.before = func() { must(t, h.End(bg, cookie)) }
		h.pass(2 * time.Minute)
		_, err := m.Check(bg, cookie)
		must(t, err) // it was alive when it was asked for
		if counted.replaced != 1 {
			t.Fatal("the check did not note its use")
		}
		h.over(t, cookie)
	})
}

func TestAFailedNoteDoesNotFailTheCheck(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		m := session.NewManager(session.Options{State: &counting{State: h.state, fail: session.ErrUnavailable}, Prefix: h.prefix, Now: h.now})
		cookie := h.mustStart(t, h.record("mem_1"))
		h.pass(2 * time.Minute)
		if rec, err := m.Check(bg, cookie); err != nil || rec.MemberID != "mem_1" {
			t.Fatal(rec, err)
		}
	})
}

func TestStartRefusesWhatCannotEnd(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		for name, change := range map[string]func(*session.Record){
			"no member":          func(r *session.Record) { r.MemberID = "" },
			"no domain":          func(r *session.Record) { r.DomainID = "" },
			"dot in the member":  func(r *session.Record) { r.MemberID = "a.b" },
			"brace in domain":    func(r *session.Record) { r.DomainID = "a}b" },
			"long ID":            func(r *session.Record) { r.DomainID = strings.Repeat("d", 65) },
			"no absolute limit":  func(r *session.Record) { r.Expires = time.Time{} },
			"absolute limit now": func(r *session.Record) { r.Expires = h.now() },
			"negative idle":      func(r *session.Record) { r.Idle = -1 },
		} {
			rec := h.record("mem_1")
			change(&rec)
			if cookie, err := h.Start(bg, rec); cookie != "" || !errors.Is(err, session.ErrRecord) {
				t.Errorf("%s: %q, %v", name, cookie, err)
			}
		}
	})
}

// tampered are cookie values made from a good one.
func tampered(cookie string) map[string]string {
	parts := strings.Split(cookie, ".")
	other := "A"
	if strings.HasSuffix(parts[2], "A") {
		other = "E"
	}
	return map[string]string{
		"empty": "", "other domain": "dom_2." + parts[1] + "." + parts[2], "other member": parts[0] + ".mem_2." + parts[2],
		"other secret": cookie[:len(cookie)-1] + other, "no member": parts[0] + ".." + parts[2], "two parts": parts[0] + "." + parts[2],
		"trailing dot": cookie + ".", "white space": " " + cookie, "case": strings.ToUpper(cookie), "quoted": `"` + cookie + `"`,
		"8 KB": strings.Repeat("a", 8192), "hash tag": "dom_1}:x{." + parts[1] + "." + parts[2], "padding": cookie + "=",
		"line feed": cookie[:len(cookie)-1] + "\n", "unused bits": cookie[:len(cookie)-1] + "B",
	}
}

func TestTamperedCookiesAreNoSession(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		cookie := h.mustStart(t, h.record("mem_1"))
		for name, value := range tampered(cookie) {
			t.Run(name, func(t *testing.T) {
				h.over(t, value)
				must(t, h.End(bg, value))
			})
		}
		h.lives(t, cookie)
	})
}

func TestListShowsAndEndsOnlyOnesOwn(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		first := h.mustStart(t, h.record("mem_1"))
		h.pass(time.Second)
		second := h.mustStart(t, h.record("mem_1"))
		theirs := h.mustStart(t, h.record("mem_2"))
		listed, err := h.List(bg, "dom_1", "mem_1")
		must(t, err)
		if len(listed) != 2 || !listed[0].Created.After(listed[1].Created) {
			t.Fatalf("want two, newest first, got %v", listed)
		}
		for _, l := range listed { // the handle is public
			h.over(t, l.ID)
			h.over(t, "dom_1.mem_1."+l.ID[:43])
		}
		for _, wrong := range [][3]string{{"dom_1", "mem_2", listed[0].ID}, {"dom_2", "mem_1", listed[0].ID},
			{"dom_1", "mem_1", "nonsense"}, {"dom_1", "mem_1", ""}, {"dom_1", "mem_1", "x}:{y"}} {
			if err := h.EndByID(bg, wrong[0], wrong[1], wrong[2]); !errors.Is(err, session.ErrMissing) {
				t.Fatalf("%v: want ErrMissing, got %v", wrong, err)
			}
		}
		must(t, h.EndByID(bg, "dom_1", "mem_1", listed[0].ID))
		h.over(t, second)
		h.lives(t, first)
		h.lives(t, theirs)
		listed, err = h.List(bg, "dom_1", "mem_1")
		if err != nil || len(listed) != 1 {
			t.Fatalf("want one left, got %v, %v", listed, err)
		}
		if _, err := h.List(bg, "dom_1", "a:b"); !errors.Is(err, session.ErrMissing) {
			t.Fatalf("malformed member: %v", err)
		}
	})
}

func TestSessionsOfManyStartAndEndAtOnce(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				cookie, err := h.Start(bg, h.record("mem_1"))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err = h.Check(bg, cookie); err != nil {
					t.Error(err)
				}
				if err = h.End(bg, cookie); err != nil {
					t.Error(err)
				}
				if _, err = h.Check(bg, cookie); !errors.Is(err, session.ErrMissing) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// A member whose sessions cannot be read is not a member without sessions.
func TestListTellsThatItDoesNotKnow(t *testing.T) {
	drivers(t, func(t *testing.T, h house) {
		h.mustStart(t, h.record("mem_1"))
		m := session.NewManager(session.Options{State: &counting{State: h.state, unknown: session.ErrUnavailable}, Prefix: h.prefix, Now: h.now})
		if listed, err := m.List(bg, "dom_1", "mem_1"); !errors.Is(err, session.ErrUnavailable) || listed != nil {
			t.Fatalf("%v, %v", listed, err)
		}
		must(t, h.state.Set(bg, h.prefix+":{dom_1}:gen:mem_1", []byte("x"), 0))
		if listed, err := h.List(bg, "dom_1", "mem_1"); !errors.Is(err, session.ErrUnavailable) || listed != nil {
			t.Fatalf("%v, %v", listed, err)
		}
	})
}
