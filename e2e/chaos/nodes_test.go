package chaos_test

import (
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/testidp"
)

// nodeKilled kills a node at the three worst moments of logins.
func nodeKilled(w *town, r *row) {
	before := w.count("session:*")
	begun := w.killedAtProvider(r) + w.killedAtAnswer(r) + w.killedAtToken(r)
	grown := w.count("session:*") - before
	r.must(grown <= begun, "%d sessions of %d logins", grown, begun)
}

// count counts keys of Redis.
func (w *town) count(pattern string) int {
	w.t.Helper()
	keys, err := w.admin().Keys(bg, "ssogate:*"+pattern).Result()
	w.must(err)
	return len(keys)
}

// dies kills a node, lets others act, and brings it back.
func (w *town) dies(n *e2e.Gateway, meanwhile func()) {
	w.t.Helper()
	n.Kill()
	meanwhile()
	n.Again(w.t)
	w.eventually("every node is in the balancer's turn", func() bool { return w.balancer.up(w.t) == len(w.nodes) })
}

// killedAtProvider: the node that began the logins dies while people are at the provider. Every login ends on another node.
func (w *town) killedAtProvider(r *row) (logins int) {
	w.t.Helper()
	people := pick(w, 20, 500)
	in := 0
	for round := range pick(w, 1, 2) {
		node := w.nodes[round%3]
		held, waiting := make([]*visitor, people), make([]testidp.Form, people)
		for i := range held {
			held[i] = w.visitor(person(i))
			held[i].at = node
			waiting[i] = held[i].hold()
			held[i].at = nil
		}
		w.dies(node, func() {
			for i, v := range held {
				err := v.send(waiting[i])
				if err == nil {
					in++
				}
				r.must(err == nil, "between AuthnRequest and ACS: %v", err)
			}
		})
		logins += people
	}
	r.figure("between AuthnRequest and ACS: %d of %d logins end on another node", in, logins)
	return logins
}

// killedAtAnswer: the node dies while it judges the provider's answers, which the browsers then send again.
func (w *town) killedAtAnswer(r *row) (logins int) {
	w.t.Helper()
	const people = 12
	var first, again, anew int
	for round := range pick(w, 2, 20) {
		node := w.nodes[round%3]
		held, waiting := make([]*visitor, people), make([]testidp.Form, people)
		for i := range held {
			held[i] = w.visitor(person(i))
			waiting[i] = held[i].hold()
			held[i].at = node
		}
		errs := make([]error, people)
		var wait sync.WaitGroup
		for i, v := range held {
			wait.Go(func() { errs[i] = v.send(waiting[i]) })
		}
		rest(w.t.Context(), time.Duration(round*7%40)*time.Millisecond)
		w.dies(node, func() {
			wait.Wait()
			for i, v := range held {
				v.at = nil
				switch {
				case errs[i] == nil:
					first++
				case v.send(waiting[i]) == nil:
					again++
				default:
					err := v.signIn(samlDomain)
					r.must(err == nil, "between ACS and 303, from the beginning: %v", err)
					anew++
				}
			}
		})
		logins += people
	}
	r.figure("between ACS and 303: of %d logins %d were through, %d by sending the answer again, %d from the beginning", logins, first, again, anew)
	return logins + anew
}

// killedAtToken: the node dies while it waits for the token. The code is lost with it; the person starts again.
func (w *town) killedAtToken(r *row) (logins int) {
	w.t.Helper()
	clean, anew := 0, 0
	for round := range pick(w, 1, 10) {
		node := w.nodes[round%3]
		v := w.visitor(person(round))
		v.at = node
		asked := w.idp.Count("/works/token")
		w.idp.Misbehave(testidp.Knobs{AtToken: testidp.Hang})
		ended := make(chan error, 1)
		go func() { ended <- v.signIn(worksDomain) }()
		w.eventually("the node asks for the token", func() bool { return w.idp.Count("/works/token") > asked || len(ended) > 0 })
		w.dies(node, func() {
			w.idp.Misbehave(testidp.Knobs{})
			r.must(<-ended != nil, "between code and token: in although the node died")
			v.at = nil
			if again := v.reload(); again == http.StatusBadRequest || again == http.StatusForbidden {
				clean++
			} else {
				r.must(false, "between code and token: the reloaded address answers %d", again)
			}
			if v.signIn(worksDomain) == nil {
				anew++
			}
		})
		logins++
	}
	r.must(anew == logins, "between code and token: %d of %d get in by starting again", anew, logins)
	r.figure("between code and token: %d of %d are told to try again, %d get in then", clean, logins, anew)
	return 2 * logins
}

// reload opens the last callback once more, as a person does who sees an error of the browser.
func (v *visitor) reload() int {
	if v.callback == "" {
		return 0
	}
	s, err := v.Open(v.w.t.Context(), v.callback)
	if err != nil {
		return 0
	}
	return s.Status
}

// rolling replaces one node after the other under load.
func rolling(w *town, r *row) {
	c := w.crowd(pick(w, 2, 4))
	rest(w.t.Context(), pick(w, 300*time.Millisecond, 2*time.Second))
	kept := w.signedIn(samlDomain, person(22))
	from := time.Now()
	stops := pick(w, 3, 20)
	var slowest time.Duration
	for i := range stops {
		node := w.nodes[i%3]
		began := time.Now()
		w.must(node.Signal(syscall.SIGTERM))
		code := node.Ended(30 * time.Second)
		r.must(code == 0, "a node ends with %d", code)
		slowest = max(slowest, time.Since(began))
		node.Again(w.t)
		w.eventually("every node is in the balancer's turn", func() bool { return w.balancer.up(w.t) == len(w.nodes) })
	}
	to := time.Now()
	c.end()
	t := c.between(from, to)
	r.figure("%d nodes stopped one after the other, each gone after at most %s", stops, round(slowest))
	r.figure("%d of %d logins succeed, errors %v, p99 %s", t.in, t.logins, t.errors, round(t.quantile(.99)))
	r.everybody(t)
	lost := 0
	for _, v := range append(c.living(), kept) {
		if v.check(nil).status != http.StatusOK {
			lost++
		}
	}
	r.must(lost == 0, "%d sessions were lost", lost)
}

// delivered sends through the balancer what a careless network sends.
func delivered(w *town, r *row) {
	rounds := pick(w, 3, 40)
	const copies = 6
	for i := range rounds {
		v := w.visitor(person(i))
		held := v.hold()
		errs := make([]error, copies)
		var wait sync.WaitGroup
		for c := range copies {
			twin := v.twin()
			wait.Go(func() { errs[c] = twin.send(held) })
		}
		wait.Wait()
		in := 0
		for _, err := range errs {
			if err == nil {
				in++
			}
		}
		r.must(in == 1, "one answer delivered %d times at once lets in %d times", copies, in)
		r.must(v.twin().send(held) != nil, "a repeated POST lets in")
	}
	v := w.signedIn(worksDomain, person(1))
	status := v.reload()
	r.must(status == http.StatusBadRequest || status == http.StatusForbidden, "a replayed callback is answered %d", status)
	r.figure("%d answers delivered %d times at once: each lets in once, a repeated POST and a replayed callback never", rounds, copies)
	for _, proto := range []string{"HTTP/1.0", "HTTP/1.1"} {
		answers, err := w.raw(v, proto, 2, pick(w, 200*time.Millisecond, 3*time.Second))
		r.must(err == nil, "%s: %v", proto, err)
		r.figure("%s, pauses between requests: %s", proto, answers)
	}
}

// twin is another browser with the same cookies.
func (v *visitor) twin() *visitor {
	other := v.w.visitor(v.login)
	other.Plant(host, loginName, v.Cookie(host, loginName))
	return other
}
