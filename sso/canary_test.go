package sso_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

// Nothing that opens a door, and nobody's name, is in the log, in the directory's file or in the session state's; what the
// provider said about a person is in the trace alone.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	w := newWorld(t)
	w.domain("saml.example", w.saml("saml.example"))
	for _, profile := range []directory.OAuthProfile{directory.ProfileWorks, directory.ProfileOAuth2, directory.ProfileOIDC} {
		w.domain(string(profile)+".example", w.oauth(string(profile)+".example", profile))
	}
	doors := map[string]string{"client secret": secret}
	for _, domain := range []string{"saml.example", "works.example", "oauth2.example", "oidc.example"} {
		for _, login := range []string{"taro", "stranger"} {
			b := &testidp.Browser{}
			b.Visit = func(v testidp.Visited) {
				for _, name := range []string{"code", "state", "nonce", "sessionKey"} {
					if value := v.URL.Query().Get(name); value != "" {
						doors[domain+" "+login+" "+name] = value
					}
				}
			}
			w.signIn(b, domain, login)
			doors[domain+" "+login+" session"] = b.Cookie("127.0.0.1", w.sessions.CookieName())
			doors[domain+" "+login+" binding"] = b.Cookie("127.0.0.1", w.binding.Name())
		}
		if domain == "saml.example" {
			sent := w.idp.LastResponse("/saml/pick")
			if len(sent.XML) == 0 {
				sent = w.idp.LastResponse("")
			}
			doors["assertion"] = base64.StdEncoding.EncodeToString(sent.XML)[:200]
			continue
		}
		for _, endpoint := range []string{"/works/token", "/token"} {
			for _, part := range strings.Split(string(w.idp.LastResponse(endpoint).Body), `"`) {
				if len(part) > 20 {
					doors[domain+" "+endpoint+" "+part[:8]] = part
				}
			}
		}
	}
	must(t, w.attempts.Flush(t.Context()))
	for name, door := range doors {
		if door == "" && !strings.Contains(name, "stranger") {
			t.Fatalf("the test did not see the %s", name)
		}
		for _, where := range []string{"log", "directory.db", "state.db"} {
			if door != "" && strings.Contains(w.everything(t, where), door) {
				t.Errorf("%s holds the %s", where, name)
			}
		}
	}
	for _, person := range []string{"emp-1001", "emp-9999", "Yamada", "stranger@"} {
		if strings.Contains(w.log.String(), person) {
			t.Errorf("the log names %s", person)
		}
	}
}

// everything is the text of the log, or of a file of the world with what is not written back yet.
func (w *world) everything(t *testing.T, where string) string {
	t.Helper()
	if where == "log" {
		return w.log.String()
	}
	files, err := filepath.Glob(filepath.Join(w.folder, where+"*"))
	must(t, err)
	var all strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		must(t, err)
		all.Write(b)
	}
	if all.Len() == 0 {
		t.Fatalf("%s is empty", where)
	}
	return all.String()
}
