package oauth_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/ssogate/ssogate/oauth"
)

// FuzzUserInfo: whatever a user information API answers, there is no panic, and a user key that comes out is one.
func FuzzUserInfo(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*/userinfo.json")
	if err != nil || len(seeds) < 20 {
		f.Fatalf("%d seeds, %v", len(seeds), err)
	}
	for _, file := range seeds {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, text)
	}
	m := newMock(f)
	works := m.open(f, "works", nil)
	secrets := m.begin(f, works)
	f.Fuzz(func(t *testing.T, status int, text []byte) {
		if status < 200 || status > 599 {
			status = 200
		}
		m.userInfo = raw(status, "application/json", string(text))
		claims, checks, err := works.Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets)
		if err != nil {
			if code(err) == "" || claims.UserKey != "" || last(checks).OK {
				t.Fatalf("%v, %+v, %+v", err, claims, last(checks))
			}
			return
		}
		key := claims.UserKey
		if status != 200 || key == "" || len(key) > 255 || !utf8.ValidString(key) || strings.ContainsRune(key, 0) || !strings.Contains(string(text), "user") {
			t.Fatalf("status %d, %q made the key %q", status, text, key)
		}
	})
}

// FuzzIDToken: no token is accepted but the one that the provider signed.
func FuzzIDToken(f *testing.F) {
	m := newMock(f)
	c := m.open(f, "oidc", nil)
	secrets := m.begin(f, c)
	good := m.sign(m.claims())
	f.Add(good)
	f.Add(good + "A")
	f.Add(" " + good)
	f.Add(unsigned(`{"alg":"none"}`, m.claims(), ""))
	f.Add(signed(jose.HS256, publicPEM(), "k1", m.claims()))
	f.Add(signed(jose.RS256, keys().other, "k1", m.claims()))
	f.Add(signedRaw(`{"alg":"RS256","kid":"k1","crit":["b64"],"b64":false}`, m.claims()))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		m.sign = func(map[string]any) string { return token }
		claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode}, secrets)
		if err == nil && token != good {
			t.Fatalf("accepted %q as %+v", token, claims)
		}
		if err != nil && (token == good || code(err) == "" || last(checks).OK) {
			t.Fatalf("%q: %v, %+v", token, err, last(checks))
		}
	})
}
