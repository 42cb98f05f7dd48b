package chaos_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ssogate/ssogate/testidp"
)

// clocks is the part for which time must be moved: one gateway in this process.
func clocks(t *testing.T, rep *report) {
	for _, c := range []struct {
		number, name, promise string
		run                   func(*world, *row)
	}{
		{"14", "Metadata and keys of the provider unreachable for 7 days", "logins go on with the last good copy", unreachable},
		{"15", "The provider changes its key in the middle of logins, in both orders",
			"no failure with overlap; without, failures end at the next refresh (≤ 1 min for OpenID Connect)", rollover},
		{"16", "The node's clock is 1, 3 or 5 minutes off, and steps back", "≤ 3 min works; beyond is refused with a reason and a metric", skewed},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.settle(samlDomain, false)
			w.settle("oidc.example", true)
			c.run(w, rep.row(&town{t: t, full: *form == "full"}, c.number, c.name, c.promise))
		})
	}
}

var protocols = []string{samlDomain, "oidc.example"}

// unreachable lets a week go by, refreshing every few hours as nodes do.
func unreachable(w *world, r *row) {
	for _, name := range protocols {
		code := w.signIn(name, nil)
		r.must(code == "", "%s before: %s", name, code)
	}
	w.silence(true)
	warned := 0
	for hour := 0; hour < 7*24; hour += 6 {
		w.ours.move(6 * time.Hour)
		w.idps.move(6 * time.Hour)
		if _, failed := w.gateway.Refresher().Due(w.t.Context(), time.Hour); failed > 0 {
			warned++
		}
		for _, name := range protocols {
			code := w.signIn(name, nil)
			r.must(code == "", "%s after %d hours: %s", name, hour+6, code)
		}
	}
	r.must(warned > 0, "no refresh failed: nothing was proved")
	w.silence(false)
	w.ours.move(time.Hour)
	w.idps.move(time.Hour)
	good, failed := w.gateway.Refresher().Due(w.t.Context(), time.Hour)
	r.must(good == 1 && failed == 0, "afterwards %d refreshes are good, %d fail", good, failed)
	r.figure("a login every 6 hours for 7 days by SAML and OpenID Connect, %d failed refreshes of metadata, each with a warning", warned)
}

// rollover changes the signing key while a person is at the provider.
func rollover(w *world, r *row) {
	sign := func(k testidp.Key) {
		w.idp.SetSAML(testidp.SAMLStyle{Key: k})
		w.idp.SetOAuth(testidp.OAuthStyle{Key: k})
	}
	refresh := func() {
		w.ours.move(2 * time.Hour)
		w.idps.move(2 * time.Hour)
		w.gateway.Refresher().Due(w.t.Context(), time.Hour)
	}
	for _, name := range protocols {
		w.publish("rsa", "next") // with overlap: named before it signs, and still named when it does not sign any more
		sign(testidp.KeyRSA)
		refresh()
		code := w.signIn(name, func() { sign(testidp.KeyNext) })
		r.must(code == "", "%s, named first: %s", name, code)
		code = w.signIn(name, func() { sign(testidp.KeyRSA) })
		r.must(code == "", "%s, back again: %s", name, code)

		w.publish("rsa")
		refresh()
		w.ours.move(8 * 24 * time.Hour) // replaced certificates are trusted for a week
		w.idps.move(8 * 24 * time.Hour)
		refresh()
		code = w.signIn(name, nil)
		r.must(code == "", "%s, the old key: %s", name, code)
		code = w.signIn(name, func() { w.publish("next"); sign(testidp.KeyNext) }) // without overlap
		seconds := 0
		for again := code; again != "" && seconds < 7200; seconds += 20 {
			w.ours.move(20 * time.Second)
			w.idps.move(20 * time.Second)
			w.gateway.Refresher().Due(w.t.Context(), time.Hour)
			again = w.signIn(name, nil)
		}
		r.figure("%s: no failure with overlap; without, the login under way: %s, logins succeed again %d s later", name, said(code), seconds)
		limit := map[string]int{samlDomain: 3600 + 60, "oidc.example": 60}[name]
		r.must(seconds <= limit, "%s: failures for %d s", name, seconds)
	}
}

func said(code string) string {
	if code == "" {
		return "succeeds"
	}
	return code
}

// skewed sets the node's clock apart from the provider's.
func skewed(w *world, r *row) {
	w.idp.SetSAML(testidp.SAMLStyle{Lifetime: time.Minute}) // so that the end of an assertion is no help
	for _, name := range protocols {
		w.signIn(name, nil)
		line := ""
		for _, off := range []time.Duration{time.Minute, -time.Minute, 3*time.Minute - 5*time.Second, -3*time.Minute + 5*time.Second,
			5 * time.Minute, -5 * time.Minute} {
			w.ours.move(off)
			code := w.signIn(name, nil)
			w.ours.move(-off)
			line += fmt.Sprintf(" %s %s,", off, said(code))
			if off.Abs() < 3*time.Minute {
				r.must(code == "", "%s, %s off: %s", name, off, code)
			} else if off < 0 || name == samlDomain { // an ID token is good for an hour
				r.must(code != "" && w.counted(code) > 0, "%s, %s off: %s", name, off, said(code))
			}
		}
		code := w.signIn(name, func() { w.ours.move(-2 * time.Minute) })
		r.must(code == "", "%s, a step back of 2 minutes in the middle: %s", name, code)
		w.ours.move(2 * time.Minute)
		r.figure("%s:%s a step back of 2 min in the middle %s", name, line, said(code))
	}
}

// counted is how many logins the metrics say were refused for that reason.
func (w *world) counted(code string) (n float64) {
	families, err := w.metrics.Gather()
	w.must(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "ssogate_login_attempts_total" && l.GetName() == "reason" && l.GetValue() == code {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}
