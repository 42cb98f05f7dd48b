package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/session"
)

const good = "dom_1.mem_1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func setCookie(t testing.TB, write func(w http.ResponseWriter)) string {
	t.Helper()
	w := httptest.NewRecorder()
	write(w)
	lines := w.Header().Values("Set-Cookie")
	if len(lines) != 1 {
		t.Fatalf("want one Set-Cookie, got %q", lines)
	}
	return lines[0]
}

func TestSessionCookie(t *testing.T) {
	c := newClock()
	for name, tc := range map[string]struct {
		o                session.Options
		set, kept, clear string
	}{
		"own host": {session.Options{},
			"__Host-ssogate_session=" + good + "; Path=/; HttpOnly; Secure; SameSite=Lax",
			"__Host-ssogate_session=" + good + "; Path=/; Expires=Sun, 22 Nov 2026 10:00:00 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			"__Host-ssogate_session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"shared with sub-domains": {session.Options{CookieDomain: "example.com"},
			"__Secure-ssogate_session=" + good + "; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax",
			"__Secure-ssogate_session=" + good + "; Path=/; Domain=example.com; Expires=Sun, 22 Nov 2026 10:00:00 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
			"__Secure-ssogate_session=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		"plain http on loopback": {session.Options{InsecureCookies: true},
			"ssogate_session=" + good + "; Path=/; HttpOnly; SameSite=Lax",
			"ssogate_session=" + good + "; Path=/; Expires=Sun, 22 Nov 2026 10:00:00 GMT; Max-Age=3600; HttpOnly; SameSite=Lax",
			"ssogate_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.o.Now = c.now
			m := session.NewManager(tc.o)
			for want, write := range map[string]func(http.ResponseWriter){
				tc.set:   func(w http.ResponseWriter) { m.SetCookie(w, good, 0) },
				tc.kept:  func(w http.ResponseWriter) { m.SetCookie(w, good, time.Hour) },
				tc.clear: m.ClearCookie,
			} {
				if got := setCookie(t, write); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
		})
	}
}

func TestCookieIsReadOnlyWhenItCanBeOurs(t *testing.T) {
	m := session.NewManager(session.Options{})
	read := func(values ...string) string {
		r := httptest.NewRequest("GET", "/", nil)
		for _, v := range values {
			r.Header.Add("Cookie", "__Host-ssogate_session="+v)
		}
		return m.Cookie(r)
	}
	if read() != "" || read(good) != good || read("garbage", good) != good {
		t.Fatal("the session cookie is not read")
	}
	for name, value := range tampered(good) {
		switch name {
		case "other domain", "other member", "other secret", "quoted", "case": // these have the form; the store refuses them
			continue
		}
		if got := read(value); got != "" && got != good {
			t.Errorf("%s: read %q", name, got)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "ssogate_session", Value: good})
	if m.Cookie(r) != "" {
		t.Fatal("a cookie without the prefix was read: any sub-domain can plant it")
	}
}

func TestBindingCookie(t *testing.T) {
	for name, tc := range map[string]struct {
		b      session.Binding
		before string
		after  string
	}{
		"secure":   {session.Binding{}, "__Host-ssogate_login=", "; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=None"},
		"insecure": {session.Binding{InsecureCookies: true}, "ssogate_login=", "; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			if tc.b.Read(r) != "" {
				t.Fatal("read a cookie that is not there")
			}
			var value string
			line := setCookie(t, func(w http.ResponseWriter) { value = tc.b.Ensure(w, r) })
			if len(value) != 43 || line != tc.before+value+tc.after {
				t.Fatalf("value %q, cookie %q", value, line)
			}
			r.Header.Set("Cookie", tc.before+value)
			if tc.b.Read(r) != value {
				t.Fatal("its own value is not read back")
			}
			setCookie(t, func(w http.ResponseWriter) {
				if again := tc.b.Ensure(w, r); again != value {
					t.Fatal("a second tab got another value: the first tab's login is lost")
				}
			})
			for _, bad := range []string{"x", value + "A", value[:42], value[:42] + "!", strings.Repeat("a", 8192), value[:42] + "="} {
				r.Header.Set("Cookie", tc.before+bad)
				if got := tc.b.Read(r); got != "" {
					t.Errorf("read %q", got)
				}
				setCookie(t, func(w http.ResponseWriter) {
					if got := tc.b.Ensure(w, r); got == bad || len(got) != 43 {
						t.Errorf("kept %q", got)
					}
				})
			}
		})
	}
}

// FuzzCookie: no cookie text panics, is read as a session, or passes as ours unless it has exactly our form.
func FuzzCookie(f *testing.F) {
	f.Add(good)
	for _, v := range tampered(good) {
		f.Add(v)
	}
	c := newClock()
	h := newHouse(openEmbedded(f, f.TempDir()+"/state.db", c.now), c)
	live := h.mustStart(f, h.record("mem_1"))
	f.Fuzz(func(t *testing.T, value string) {
		if _, err := h.Check(bg, value); (err == nil) != (value == live) {
			t.Fatalf("%q: %v", value, err)
		}
		r := &http.Request{Header: http.Header{"Cookie": {h.CookieName() + "=" + value}}}
		read := h.Cookie(r)
		if parts := strings.Split(read, "."); read != "" && (len(parts) != 3 || len(parts[2]) != 43 || len(read) > 173) {
			t.Fatalf("%q was read as %q", value, read)
		}
	})
}
