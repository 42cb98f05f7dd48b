package e2e_test

import (
	"flag"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
)

var pictures = flag.String("pictures", "", "folder for screenshots of every page")

// looks are the ways in which every page has to work.
var looks = map[string]e2e.BrowserOptions{
	"en":       {},
	"ja-dark":  {Language: "ja-JP", Dark: true},
	"ko-phone": {Language: "ko-KR", Width: 320, Height: 640},
	"tw-plain": {Language: "zh-TW", NoScript: true, Width: 360, Height: 740},
	"cn":       {Language: "zh-CN"},
}

// TestPages walks to every page a person can meet, as people do, and judges each: no serious finding of the accessibility
// checker, nothing wider than the screen, the person's language, no violation of the content security policy.
func TestPages(t *testing.T) {
	t.Parallel()
	g := e2e.NewGateway(t)
	newDomain(g)
	idp := e2e.PySAML2(t, g.ServiceProvider(domain))
	connectSAML(g, idp, "binding: post", "idp_initiated: true")
	g.Apply("domains:\n  - name: waiting.example\n    user_key: account", nil)
	for name, o := range looks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := e2e.NewBrowser(t, o)
			tab := b.Tab()
			show := func(page string, status, want int) {
				t.Helper()
				if status != want {
					t.Errorf("%s: status %d, want %d at %s", page, status, want, tab.URL())
				}
				judge(t, tab, page, o)
				if *pictures != "" {
					tab.Screenshot(filepath.Join(*pictures, page+"-"+name+".png"))
				}
			}
			show("account", tab.Open(g.URL+"/login"), http.StatusOK)
			show("account-unknown", tab.Open(g.URL+"/login?account=nobody"), http.StatusOK)
			show("unknown-domain", tab.Open(g.URL+"/d/login/nobody.example"), http.StatusNotFound)
			show("access-url", tab.Open(g.LoginTo(domain, "https://evil.example/")), http.StatusBadRequest)
			show("no-sso", tab.Open(g.URL+"/d/login/waiting.example"), http.StatusOK)
			show("signed-out", tab.Open(g.URL+"/d/logout/"+domain), http.StatusOK)
			show("not-found", tab.Open(g.URL+"/nothing/here"), http.StatusNotFound)

			enter(tab, g.URL+"/d/login/"+domain, idp.SignIn("stranger@mycompany.com"), o)
			tab.WaitFor("#reference")
			show("refused", 0, 0)
			if o.NoScript {
				show("post", tab.Open(g.Login(domain)), http.StatusOK)
			}
			tab.Open(idp.Base + "/unsolicited?sp=" + g.URL + "/saml/" + domain + "/metadata")
			tab.SignIn(idp.SignIn(user))
			if o.NoScript {
				tab.Click("input[type=submit]")
			}
			tab.WaitForURL(g.URL + "/acs/")
			show("continue", 0, 0)
			tab.Click("main button")
			tab.WaitForURL(g.URL + "/")
			show("home", 0, 0)
			show("logout", tab.Open(g.URL+"/d/logout/"+domain), http.StatusOK)
		})
	}
}

// enter signs in by the post binding with or without scripts.
func enter(tab *e2e.Tab, address string, how e2e.Form, o e2e.BrowserOptions) {
	tab.Open(address)
	if o.NoScript {
		tab.Click("main button")
	}
	tab.WaitFor("[name=request_id]") // pysaml2's form
	tab.SignIn(how)
	if o.NoScript {
		tab.Click("input[type=submit]")
	}
}

func judge(t *testing.T, tab *e2e.Tab, page string, o e2e.BrowserOptions) {
	t.Helper()
	language := "en"
	if o.Language != "" {
		language = map[string]string{"ja": "ja", "ko": "ko", "zh": o.Language}[o.Language[:2]]
	}
	if got := tab.Attribute("html", "lang"); got != language {
		t.Errorf("%s: language %q, want %q", page, got, language)
	}
	if tab.Count("h1") != 1 || tab.Text("h1") == "" || tab.Title() == "" {
		t.Errorf("%s: want a title and one heading", page)
	}
	for _, problem := range tab.Problems() {
		if strings.Contains(problem, "Content Security Policy") || strings.Contains(problem, "Error:") {
			t.Errorf("%s: the console says %q", page, problem)
		}
	}
	if !o.NoScript { // the checks themselves are scripts
		if got := tab.Accessibility(); len(got) != 0 {
			t.Errorf("%s: accessibility: %q", page, got)
		}
	}
	var overflow int
	tab.Evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth", &overflow)
	if overflow > 0 {
		t.Errorf("%s: %d pixels wider than the screen", page, overflow)
	}
}

// The way in with a keyboard alone, to the provider and not further: that is another company's page.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	tab := e2e.NewBrowser(t, e2e.BrowserOptions{}).Tab()
	tab.Open(g.URL + "/login")
	var focused string
	tab.Evaluate("document.activeElement.id", &focused)
	if focused != "account" {
		t.Fatalf("the focus begins at %q", focused)
	}
	for _, letter := range strings.Split(user, "") {
		tab.Press(letter)
	}
	tab.Press("Tab")
	tab.Evaluate("document.activeElement.tagName", &focused)
	if focused != "BUTTON" {
		t.Errorf("after the field the focus goes to %q", focused)
	}
	tab.Press("Enter")
	tab.WaitForURL(idp.Base)
}
