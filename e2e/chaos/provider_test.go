package chaos_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/testidp"
)

// illness is a way in which a provider misbehaves.
type illness struct {
	name  string
	knobs testidp.Knobs
}

var illnesses = []illness{
	{"token hangs", testidp.Knobs{AtToken: testidp.Hang}}, {"token drips a byte in 50 ms", testidp.Knobs{AtToken: testidp.SlowDrip}},
	{"user information hangs", testidp.Knobs{AtUserInfo: testidp.Hang}}, {"token endless", testidp.Knobs{AtToken: testidp.Huge}},
	{"token 500", testidp.Knobs{AtToken: testidp.Status}}, {"token closes in the middle", testidp.Knobs{AtToken: testidp.Cut}},
	{"token is a page", testidp.Knobs{AtToken: testidp.HTML}}, {"token is empty", testidp.Knobs{AtToken: testidp.Empty}},
	{"token is garbage", testidp.Knobs{AtToken: testidp.Garbage}}, {"token redirects", testidp.Knobs{AtToken: testidp.Redirect}},
	{"user information drips", testidp.Knobs{AtUserInfo: testidp.SlowDrip}}, {"error 301 of the contract", testidp.Knobs{WorksError: "301"}},
	{"token is refused by the machine", testidp.Knobs{}},
}

// providersIll lets every domain but two have a provider that is ill in its own way.
func providersIll(w *town, r *row) {
	ill := illnesses[:pick(w, 5, len(illnesses))]
	for i, each := range ill {
		p := provider(w.t)
		p.Misbehave(each.knobs)
		token := p.URL("/works/token")
		if each.knobs == (testidp.Knobs{}) { // nobody listens there
			token = fmt.Sprintf("http://localhost:%d/token", servers.FreePort(w.t))
		}
		w.settle(illDomain(i), w.worksAt(illDomain(i), p, token))
	}
	from := time.Now()
	c := w.crowd(2)
	rest(w.t.Context(), pick(w, time.Second, 6*time.Second))
	alone := c.between(from, time.Now())
	from = time.Now()
	took, told := make([]time.Duration, len(ill)), make([]int, len(ill))
	var wait sync.WaitGroup
	for i := range ill {
		wait.Go(func() {
			for range pick(w, 1, 3) {
				began := time.Now()
				err := w.visitor(person(i)).signIn(illDomain(i))
				took[i] = max(took[i], time.Since(began))
				if e, ok := err.(*elsewhere); ok {
					told[i] = e.Status
				}
			}
		})
	}
	wait.Wait()
	beside := c.between(from, time.Now())
	c.end()
	statuses := map[int]int{}
	for i, each := range ill {
		statuses[told[i]]++
		r.must(told[i] == http.StatusBadGateway || told[i] == http.StatusForbidden || told[i] == http.StatusServiceUnavailable,
			"%s: the person is shown %d", each.name, told[i])
	}
	longest := slices.Max(took)
	r.within("slowest page of "+fmt.Sprint(len(ill))+" ill providers after", longest, 5*time.Second)
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		r.figure("%d × %d", statuses[status], status)
	}
	r.everybody(beside)
	r.figure("other domains: %d of %d logins, p50 %s beside %s alone, p99 %s beside %s", beside.in, beside.logins,
		round(beside.quantile(.5)), round(alone.quantile(.5)), round(beside.quantile(.99)), round(alone.quantile(.99)))
}

func illDomain(i int) string { return fmt.Sprintf("ill%d.example", i) }
