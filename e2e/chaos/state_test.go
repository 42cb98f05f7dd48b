package chaos_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var bg = context.Background()

// admin is one connection to Redis itself, past the wire: it stays good when a password is set.
func (w *town) admin() *redis.Conn {
	client := redis.NewClient(&redis.Options{Addr: w.redis.Addr, DisableIdentity: true, Protocol: 2})
	c := client.Conn()
	w.t.Cleanup(func() { c.Close(); client.Close() })
	return c
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// state is a way in which Redis answers and is no use.
type state struct {
	name     string
	down, up func(c *redis.Conn) error
	// sessions are the statuses that a living session may get meanwhile.
	sessions []int
}

var states = []state{
	{"maxmemory 1", set("maxmemory", "1"), set("maxmemory", "0"), []int{http.StatusOK}},
	{"READONLY (became a replica)", func(c *redis.Conn) error { return c.ReplicaOf(bg, host, "1").Err() },
		func(c *redis.Conn) error { return c.ReplicaOf(bg, "NO", "ONE").Err() }, []int{http.StatusOK}},
	{"NOAUTH", func(c *redis.Conn) error {
		if err := c.ConfigSet(bg, "requirepass", "secret").Err(); err != nil {
			return err
		}
		return c.ClientKillByFilter(bg, "TYPE", "normal").Err()
	}, set("requirepass", ""), []int{http.StatusServiceUnavailable}},
}

func set(name, value string) func(*redis.Conn) error {
	return func(c *redis.Conn) error { return c.ConfigSet(bg, name, value).Err() }
}

// redisUseless brings Redis into states in which it answers with errors or has lost everything.
func redisUseless(w *town, r *row) {
	admin := w.admin()
	w.must(admin.Ping(bg).Err())
	c := w.crowd(2)
	for _, s := range states {
		w.useless(r, admin, s)
	}
	w.flushed(r, admin)
	w.wrongType(r, admin)
	w.loading(r, admin)
	c.end()
}

// useless is one such state: nobody new gets in, everybody is told, and afterwards all is well.
func (w *town) useless(r *row, admin *redis.Conn, s state) {
	w.t.Helper()
	v, kept := w.signedIn(worksDomain, person(3)), w.signedIn(worksDomain, person(10))
	held := w.visitor(person(4))
	waiting := held.hold()
	w.must(s.down(admin))
	err := held.send(waiting)
	r.must(err != nil, "%s: somebody gets in", s.name)
	took := time.Now()
	began := w.visitor(person(5)).signIn(worksDomain)
	r.must(began != nil, "%s: somebody new gets in", s.name)
	r.within(s.name+": a refusal takes", time.Since(took), 300*time.Millisecond)
	told := map[int]int{}
	for _, n := range w.nodes {
		told[v.check(n).status]++
	}
	for status := range told {
		good := false
		for _, want := range s.sessions {
			good = good || want == status
		}
		r.must(good, "%s: a session is answered %d", s.name, status)
	}
	if told[http.StatusOK] > 0 {
		w.revokedMeanwhile(r, s.name, v)
	}
	w.must(s.up(admin))
	back := w.eventually("people get in again", func() bool { return w.visitor(person(5)).signIn(worksDomain) == nil })
	back += w.eventually("sessions are known again", func() bool {
		known := 0
		for _, n := range w.nodes {
			if kept.check(n).ok {
				known++
			}
		}
		return known == len(w.nodes)
	})
	r.figure("%s: login %s, session %v, back after %s", s.name, short(began), told, round(back))
}

// revokedMeanwhile ends a session while Redis shows it and takes no writes, so that it cannot be told.
func (w *town) revokedMeanwhile(r *row, name string, v *visitor) {
	w.t.Helper()
	err := w.revoke(worksDomain, v.login)
	out := w.eventually("a revoked session is refused by every node", func() bool {
		for _, n := range w.nodes {
			if v.check(n).ok {
				return false
			}
		}
		return true
	})
	acknowledged := "acknowledged"
	if err != nil {
		acknowledged = "reported as not carried out everywhere"
	}
	r.within(name+": a revocation meanwhile is "+acknowledged+" and in force after", out, time.Second)
}

// flushed loses everything: people sign in again, and nothing that was used or begun before is good.
func (w *town) flushed(r *row, admin *redis.Conn) {
	w.t.Helper()
	v, used := w.visitor(person(6)), w.visitor(person(7))
	waiting := v.hold()
	spent := used.hold()
	w.must(used.send(spent))
	w.must(admin.FlushAll(bg).Err())
	for _, n := range w.nodes {
		status := used.check(n).status
		r.must(status == http.StatusUnauthorized, "FLUSHALL: an old session is answered %d", status)
	}
	r.must(v.send(waiting) != nil, "FLUSHALL: a login begun before goes on")
	r.must(used.send(spent) != nil, "FLUSHALL: a used assertion lets in again")
	r.must(v.signIn(samlDomain) == nil, "FLUSHALL: nobody gets in again")
	r.figure("FLUSHALL: sessions 401, logins under way start again, a used assertion stays used")
}

// wrongType puts another kind of value where a session was.
func (w *town) wrongType(r *row, admin *redis.Conn) {
	w.t.Helper()
	v := w.signedIn(samlDomain, person(8))
	keys, err := admin.Keys(bg, "ssogate:*:session:"+hashOf(v.Cookie(host, sessionName))).Result()
	w.must(err)
	if len(keys) != 1 {
		w.t.Fatalf("the session has the keys %v", keys)
	}
	w.must(admin.Del(bg, keys[0]).Err())
	w.must(admin.LPush(bg, keys[0], "x").Err())
	for _, n := range w.nodes {
		status := v.check(n).status
		r.must(status == http.StatusUnauthorized || status == http.StatusServiceUnavailable, "wrong type: a session is answered %d", status)
	}
	r.must(w.visitor(person(8)).signIn(samlDomain) == nil, "wrong type: the person does not get in again")
	r.figure("a key of another type: refused, the person signs in again")
}

// loading restarts Redis with so much to load that it answers LOADING for a while.
func (w *town) loading(r *row, admin *redis.Conn) {
	w.t.Helper()
	many := pick(w, 3000, 10_000)
	_, err := admin.Pipelined(bg, func(p redis.Pipeliner) error {
		for i := range many {
			p.Set(bg, fmt.Sprintf("filler:%d", i), "x", 0)
		}
		return nil
	})
	w.must(err)
	w.must(admin.BgRewriteAOF(bg).Err())
	w.eventually("the file is written", func() bool {
		info, err := w.admin().Info(bg, "persistence").Result()
		return err == nil && strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
	})
	w.redis.Stop()
	w.redis.Start(w.t)
	v, seen, began := w.visitor(person(9)), 0, time.Now()
	back := w.eventually("Redis has loaded and people get in", func() bool {
		if isLoading(w.redis.Addr) {
			seen++
			r.must(v.signIn(samlDomain) != nil || !isLoading(w.redis.Addr), "LOADING: somebody gets in")
			return false
		}
		return v.signIn(samlDomain) == nil
	})
	r.figure("LOADING for %s: %d logins refused meanwhile, in again %s after the restart", round(time.Since(began)), seen, round(back))
	r.must(seen > 0, "Redis was never seen loading: nothing was proved")
	w.must(w.admin().FlushAll(bg).Err())
}

// isLoading asks Redis by its own words.
func isLoading(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(c, "PING\r\n")
	b := make([]byte, 128)
	n, _ := c.Read(b)
	return strings.HasPrefix(string(b[:n]), "-LOADING")
}
