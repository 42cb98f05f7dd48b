package sso_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/service"
	"github.com/ssogate/ssogate/testidp"
)

// board is where logins of the tests want to end.
const landing = "/landed?x=1"

func (w *world) loginURL(domain string) string {
	return w.url + "/d/login/" + domain + "?accessUrl=" + url.QueryEscape(w.url+landing)
}

// signIn walks a whole login and returns the last screen.
func (w *world) signIn(b *testidp.Browser, domain, login string) *testidp.Screen {
	w.t.Helper()
	s, err := b.SignIn(w.t.Context(), w.loginURL(domain), login)
	must(w.t, err)
	return s
}

// atProvider walks to where the answer waits to be posted, and returns that form.
func (w *world) atProvider(b *testidp.Browser, domain, login string) testidp.Form {
	w.t.Helper()
	s, err := b.Open(w.t.Context(), w.loginURL(domain))
	must(w.t, err)
	for range 3 {
		if len(s.Forms) > 0 && s.Forms[0].Fields.Has("SAMLResponse") {
			return s.Forms[0]
		}
		s, err = b.Submit(w.t.Context(), s.Forms[0], login, nil)
		must(w.t, err)
	}
	w.t.Fatalf("no answer at %s: %d %s", s.URL, s.Status, s.Body)
	return testidp.Form{}
}

// request is one for the gateway without a browser.
func (w *world) request(method, path string) *http.Request {
	r := httptest.NewRequestWithContext(w.t.Context(), method, w.url+path, nil)
	r.RequestURI = ""
	return r
}

// answer is what the gateway says to it.
func (w *world) answer(r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	w.mux.ServeHTTP(recorder, r)
	return recorder.Result()
}

// landed fails unless the browser stands on the accessUrl with a session that a service accepts.
func (w *world) landed(b *testidp.Browser, s *testidp.Screen, account string) {
	w.t.Helper()
	if s.Status != http.StatusOK || s.URL.String() != w.url+landing {
		w.t.Fatalf("stands at %s with %d, want the accessUrl\n%s\n%s", s.URL, s.Status, s.Body, w.log)
	}
	if got := w.whoami(b); got != account {
		w.t.Fatalf("signed in as %q, want %q", got, account)
	}
}

// whoami asks as a service would; "" is nobody.
func (w *world) whoami(b *testidp.Browser) string {
	w.t.Helper()
	s, err := b.Open(w.t.Context(), w.url+"/auth/verify")
	must(w.t, err)
	if s.Status != http.StatusOK {
		return ""
	}
	return s.Header.Get(service.HeaderUser)
}

// refused fails unless the browser sees a page of that status with a reference number, nobody is signed in, and the attempt
// of that reference says the code. It returns the attempt.
func (w *world) refused(b *testidp.Browser, s *testidp.Screen, status int, code string) audit.Attempt {
	w.t.Helper()
	if s.Status != status {
		w.t.Errorf("status %d at %s, want %d\n%s", s.Status, s.URL, status, s.Body)
	}
	if got := w.whoami(b); got != "" {
		w.t.Fatalf("signed in as %q after a refusal", got)
	}
	must(w.t, w.attempts.Flush(w.t.Context()))
	a, err := w.store.Attempt(w.t.Context(), reference.FindString(s.Body))
	if err != nil {
		w.t.Fatalf("the page shows no reference of a recorded attempt: %v\n%s\n%s", err, s.Body, w.log)
	}
	if code != "" && a.Code != code {
		w.t.Errorf("code %q (want %q, got %q), expected %q\n%s", a.Code, a.Want, a.Got, code, w.log)
	}
	if a.Fix == "" {
		w.t.Errorf("%s: nobody must fix it", a.Code)
	}
	if n := len(a.Checks); n == 0 || a.Checks[n-1].OK {
		w.t.Errorf("%s: the list of checks does not end with the one that failed", a.Code)
	}
	return a
}

// reference is a reference number as pages show it.
var reference = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}`)
