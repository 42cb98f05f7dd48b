package oauth_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/oauth"
)

// TestHostileAnswersCostLittle: an answer of a provider costs a small multiple of the megabyte that is read of it. Allocations are counted and not seconds: they do not depend on the machine.
func TestHostileAnswersCostLittle(t *testing.T) {
	const most = 1<<20 - 100
	fill := func(part string) string { return `{"user_id":[` + strings.Repeat(part, most/len(part)) }
	for name, body := range map[string]string{
		"depth":             fill("["),
		"empty arrays":      fill("[],"),
		"empty objects":     fill("{},"),
		"numbers":           fill("1,"),
		"texts":             fill(`"",`),
		"escapes":           `{"user_id":"` + strings.Repeat(`\u0041`, most/6) + `"}`,
		"one long text":     `{"user_id":"` + strings.Repeat("x", most) + `"}`,
		"doubled names":     `{` + strings.Repeat(`"a":1,`, most/6),
		"spaces":            strings.Repeat(" ", most),
		"10 MB":             fill("[],") + strings.Repeat("[],", 3<<20),
		"10 MB of brackets": strings.Repeat("[", 10<<20),
	} {
		m := newMock(t)
		c := m.open(t, "oauth2", served(m, "/userinfo", 200, body))
		secrets := m.begin(t, c)
		finish := func() error {
			_, _, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets)
			return err
		}
		if got := code(finish()); got != "oauth_user_info" && got != "oauth_user_key" && got != "idp_unreachable" {
			t.Errorf("%s: %s", name, got)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_ = finish()
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 16<<20 {
			t.Errorf("%s: %d bytes for an answer of %d", name, bytes, len(body))
		}
	}
}

// TestManyGroupsFit: what is much, but honest.
func TestManyGroupsFit(t *testing.T) {
	m := newMock(t)
	m.userInfo = raw(200, "application/json", `{"user_id":"person-1","groups":["g"`+strings.Repeat(`,"a group of the company"`, 10000)+`]}`)
	if claims, checks, err := m.login(t, m.open(t, "oauth2", nil)); err != nil || claims.UserKey != "person-1" {
		t.Errorf("%v, %+v", err, last(checks))
	}
}
