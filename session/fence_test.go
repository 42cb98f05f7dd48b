package session_test

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

// Between the return of a server that lost a revocation and its being told again, nobody is let in: neither who was revoked nor
// anybody else, for nobody can know who was.
func TestNobodyIsLetInByAServerThatWasNotTold(t *testing.T) {
	c, d := newClock(), &truth{}
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now}), c)
	revoked, kept := h.mustStart(t, h.record("mem_1")), h.mustStart(t, h.record("mem_2"))
	h.lives(t, kept) // before anything was carried there is nothing to wait for
	d.add(session.Generation{Seq: 1, DomainID: "dom_1", MemberID: "mem_1", Generation: 1})
	follow(t, h.Manager, 0, d.read)
	h.soonOver(t, revoked)

	saved := snapshot(t, p.Addr, h.prefix+":{dom_1}:session:*")
	p.Stop()
	d.failing(errors.New("the directory does not answer"))
	p.Start(t)
	t.Cleanup(p.Stop)
	restore(t, p.Addr, saved)
	eventually(t, "the server answers again", func() bool { return h.state.Ping(bg) == nil })
	if err := h.Ready(bg); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a load balancer would send people here: %v", err)
	}
	for range 20 {
		for name, cookie := range map[string]string{"revoked": revoked, "kept": kept} {
			if _, err := h.Check(bg, cookie); !errors.Is(err, session.ErrUnavailable) {
				t.Fatalf("%s: want ErrUnavailable, got %v", name, err)
			}
		}
	}
	d.failing(nil)
	eventually(t, "the kept session is accepted again", func() bool { _, err := h.Check(bg, kept); return err == nil })
	must(t, h.Ready(bg))
	h.over(t, revoked)
}

// A server that takes no writes cannot be told of a revocation. It lets nobody in until it was.
func TestNobodyIsLetInByAServerThatCannotBeTold(t *testing.T) {
	c, d := newClock(), &truth{}
	p := servers.NewRedis(t)
	t.Cleanup(p.Stop)
	h := newHouse(openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}, Now: c.now}), c)
	revoked, kept := h.mustStart(t, h.record("mem_1")), h.mustStart(t, h.record("mem_2"))
	follow(t, h.Manager, 0, d.read)
	admin := redis.NewClient(&redis.Options{Addr: p.Addr, DisableIdentity: true})
	defer admin.Close()
	must(t, admin.ConfigSet(bg, "maxmemory", "1").Err())
	d.rounds(t, 2)
	h.lives(t, kept) // nothing has happened that it would have to know

	d.add(session.Generation{Seq: 1, DomainID: "dom_1", MemberID: "mem_1", Generation: 1})
	eventually(t, "the revoked session is refused", func() bool { _, err := h.Check(bg, revoked); return errors.Is(err, session.ErrUnavailable) })
	for range 20 {
		d.rounds(t, 1)
		if _, err := h.Check(bg, revoked); !errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("want ErrUnavailable, got %v", err)
		}
	}
	must(t, admin.ConfigSet(bg, "maxmemory", "0").Err())
	eventually(t, "the kept session is accepted again", func() bool { _, err := h.Check(bg, kept); return err == nil })
	h.over(t, revoked)
}
