package chaos_test

import (
	"net/http"
	"syscall"
	"time"
)

// redisOutage takes Redis away while a crowd signs in, and gives it back.
func redisOutage(w *town, r *row, down, up func()) {
	c := w.crowd(3)
	rest(w.t.Context(), pick(w, 500*time.Millisecond, 3*time.Second))
	v := w.signedIn(samlDomain, person(20))
	held := w.visitor(person(21))
	waiting := held.hold()
	base := w.goroutines()
	down()
	from := time.Now()
	w.eventually("every node says that it is not ready", func() bool { return w.ready() == 0 })
	said := time.Now()
	for _, n := range w.nodes {
		r.must(w.status(n, "/healthz") == http.StatusOK, "a node says it is not alive")
	}
	r.must(held.send(waiting) != nil, "somebody got in while Redis was gone")
	rest(w.t.Context(), pick(w, 500*time.Millisecond, 12*time.Second))
	grown := w.goroutines()
	to := time.Now()
	rest(w.t.Context(), 600*time.Millisecond) // who asked before that has been answered
	up()
	back := time.Now()
	ready := w.eventually("every node is ready again", func() bool { return w.ready() == len(w.nodes) })
	r.must(c.between(from, to).in == 0, "somebody got in while Redis was gone")
	w.eventually("people get in again", func() bool { return w.visitor(person(20)).signIn(worksDomain) == nil })
	lost := time.Since(back)
	w.eventually("every node is in the balancer's turn", func() bool { return w.balancer.up(w.t) == len(w.nodes) })
	turn := time.Now()
	rest(w.t.Context(), pick(w, 500*time.Millisecond, 3*time.Second))
	c.end()
	during, after := c.between(said, to), c.between(turn, time.Now())
	r.must(during.only(check, http.StatusServiceUnavailable), "checks without Redis: %s", during.said(check))
	r.must(during.only(start, http.StatusServiceUnavailable), "login starts without Redis: %s", during.said(start))
	for _, n := range w.nodes {
		if got := v.check(n).status; got != http.StatusOK && got != http.StatusUnauthorized {
			r.must(false, "a session of before: %d", got)
		}
	}
	r.everybody(after)
	first := c.between(from, to)
	r.within("longest check", first.slowest[check], 300*time.Millisecond)
	r.within("longest login start", first.slowest[start], 300*time.Millisecond)
	r.within("nodes ready again after", ready, 2*time.Second)
	r.figure("through the balancer the first login gets in %s after Redis is back, the last one is refused %s after it", round(lost),
		round(c.lastRefused().Sub(back)))
	r.figure("%d logins refused meanwhile, at most %d goroutines more", first.logins, grown-base)
	r.must(grown-base < 400, "%d goroutines more than before", grown-base)
}

func redisKilled(w *town, r *row) { redisOutage(w, r, w.redis.Stop, func() { w.redis.Start(w.t) }) }

func redisHangs(w *town, r *row) {
	redisOutage(w, r, func() { w.redis.Signal(syscall.SIGSTOP) }, func() { w.redis.Signal(syscall.SIGCONT) })
}

// redisSlow delays every answer of Redis.
func redisSlow(w *town, r *row) {
	c := w.crowd(3)
	stretch := pick(w, 1200*time.Millisecond, 8*time.Second)
	from := time.Now()
	rest(w.t.Context(), stretch)
	base := c.between(from, time.Now())
	r.figure("base: login p50 %s, p99 %s", round(base.quantile(.5)), round(base.quantile(.99)))
	for _, delay := range pick(w, []time.Duration{50 * time.Millisecond, time.Second},
		[]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second}) {
		w.wire.slow(delay)
		from := time.Now()
		rest(w.t.Context(), stretch)
		t := c.between(from, time.Now())
		w.wire.slow(0)
		k := float64(t.quantile(.5)-base.quantile(.5)) / float64(delay)
		r.figure("%s: %d of %d logins, p50 %s (k = %.1f), p99 %s, longest check %s", delay, t.in, t.logins, round(t.quantile(.5)), k,
			round(t.quantile(.99)), round(t.slowest[check]))
		if delay < 100*time.Millisecond {
			r.must(t.in > 0, "nobody gets in at %s", delay)
		}
		if delay == time.Second {
			r.must(t.only(check, http.StatusServiceUnavailable, http.StatusOK, http.StatusUnauthorized), "checks: %s", t.said(check))
			r.within("1 s of delay: longest check", t.slowest[check], 300*time.Millisecond)
		}
		w.eventually("people get in again", func() bool { return w.visitor(person(1)).signIn(samlDomain) == nil })
	}
	c.end()
}

// redisResets breaks half of the connections in the middle of answers.
func redisResets(w *town, r *row) {
	c := w.crowd(4)
	from := time.Now()
	w.wire.reset(true)
	rest(w.t.Context(), pick(w, 2*time.Second, 25*time.Second))
	to := time.Now()
	broken := w.wire.reset(false)
	c.end()
	t := c.between(from, to)
	r.must(broken > 0, "no connection was reset: nothing was proved")
	r.figure("%d connections reset under answers that Redis had given: %d of %d logins at the first try, %d at the second, errors %v", broken, t.in, t.logins, t.inAgain, t.errors)
	r.must(t.in > 0, "nobody gets in")
	if w.full {
		share := float64(t.in+t.inAgain) / float64(t.logins)
		r.must(share >= .99, "%.1f %% of the logins succeed, promised are 99 %%", 100*share)
	}
}
