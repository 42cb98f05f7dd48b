package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
)

// The browser has to show what it is told to show, or no test that uses it can be believed.
func TestBrowser(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode})
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Here</title><h1>%s</h1><form action="/next"><input name="word">
			<button>Go</button></form><p id="lang">%s</p><script>document.title = "scripted"</script>`,
			r.URL.Path, r.Header.Get("Accept-Language"))
	}))
	t.Cleanup(site.Close)

	tab := e2e.NewBrowser(t, e2e.BrowserOptions{Language: "ja-JP"}).Tab()
	if got := tab.Open(site.URL + "/first"); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	if got := tab.Title(); got != "Here" {
		t.Errorf("title: got %q: an inline script ran against the policy", got)
	}
	if got := strings.Join(tab.Problems(), "\n"); !strings.Contains(got, "Content Security Policy") {
		t.Errorf("the violation of the policy was not told: %q", got)
	}
	if got := tab.Text("#lang"); !strings.HasPrefix(got, "ja-JP") {
		t.Errorf("language: got %q", got)
	}
	if got := tab.Accessibility(); len(got) != 1 || !strings.HasPrefix(got[0], "critical label") {
		t.Errorf("accessibility: want the missing label, got %q", got)
	}
	tab.Fill("[name=word]", "a b")
	tab.Click("button")
	tab.WaitForURL(site.URL + "/next?word=a+b")
	tab.Back()
	if got := tab.Text("h1"); got != "/first" {
		t.Errorf("after going back: %q", got)
	}
}

func TestBrowserKeepsPeopleApart(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", Secure: true, SameSite: http.SameSiteNoneMode})
		fmt.Fprintf(w, "<title>%d cookies</title>", len(r.Cookies()))
	}))
	t.Cleanup(site.Close)
	for range 2 {
		b := e2e.NewBrowser(t, e2e.BrowserOptions{NoScript: true})
		tab := b.Tab()
		tab.Open(site.URL)
		if got := tab.Title(); got != "0 cookies" {
			t.Fatalf("a new browser has %s", got)
		}
		tab.Reload()
		if got := tab.Title(); got != "1 cookies" {
			t.Errorf("want the Secure cookie kept on loopback, got %s", got)
		}
		if got := b.Fetch("GET", site.URL, nil, nil); !strings.Contains(got.Body, "1 cookies") {
			t.Errorf("a fetch does not bring the cookies: %+v", got)
		}
		if got := b.Cookies(site.URL); len(got) != 1 || got[0].Name != "seen" || !got[0].Secure {
			t.Errorf("cookies: %+v", got)
		}
	}
}
