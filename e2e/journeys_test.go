package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
)

// house is a gateway with one domain that signs in by saml-idp, whose form takes any name.
func house(t *testing.T, settings ...string) (*e2e.Gateway, *e2e.SAMLProvider) {
	t.Helper()
	g := e2e.NewGateway(t)
	newDomain(g)
	idp := e2e.SAMLIDP(t, g.ServiceProvider(domain))
	connectSAML(g, idp, settings...)
	return g, idp
}

func TestSomebodyUnknownIsRefused(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	for name, code := range map[string]string{
		"stranger@mycompany.com":         "user_unknown",
		"lee@other.example":              "account_foreign",
		"kim@mycompany.com.evil.example": "account_foreign",
		`"><script>alert(1)</script>`:    "user_key_invalid",
	} {
		b := e2e.NewBrowser(t, e2e.BrowserOptions{})
		tab := b.Tab()
		tab.Open(g.Login(domain))
		tab.SignIn(idp.SignIn(name))
		refusedPage(t, g, b, tab, code)
	}
}

// Each tab is a login of its own, whatever the order in which people come back.
func TestTabsEndWhereTheyBegan(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	first, second, third := b.Tab(), b.Tab(), b.Tab()
	first.Open(g.LoginTo(domain, g.Service+"/one?a=1"))
	second.Open(g.LoginTo(domain, g.Service+"/two#part"))
	third.Open(g.LoginTo(domain, g.Service+"/three"))
	for _, c := range []struct {
		tab   *e2e.Tab
		where string
	}{{second, "/two"}, {first, "/one?a=1"}, {third, "/three"}} {
		c.tab.SignIn(idp.SignIn(user))
		c.tab.WaitForURL(g.Service + c.where)
		if got := c.tab.Text("#where"); got != c.where {
			t.Errorf("want the service's %s, got %s", c.where, got)
		}
	}
	if got := second.URL(); got != g.Service+"/two#part" {
		t.Errorf("the fragment is lost: %s", got)
	}
}

// The form of the provider is sent once more after the person went back to it.
func TestBackButton(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	tab := b.Tab()
	tab.Open(g.Login(domain))
	provider := tab.URL()
	tab.SignIn(idp.SignIn(user))
	tab.WaitForURL(g.Service)
	before := b.Cookies(g.URL)
	tab.Open(provider)
	tab.SignIn(idp.SignIn(other))
	tab.WaitForURL(g.URL + "/acs/")
	if got := tab.Text("h1"); got == "" || tab.Count("#reference") != 1 {
		t.Errorf("want the page that says so, got %q", got)
	}
	if got := g.Verify(b); got.Header["x-auth-request-user"] != user {
		t.Errorf("the session changed: %+v", got)
	}
	if len(before) == 0 || len(b.Cookies(g.URL)) != len(before) {
		t.Errorf("cookies before %v, after %v", before, b.Cookies(g.URL))
	}
	tab.Click("a.button") // try again: still signed in, so straight to the end
	tab.WaitForURL(g.URL + "/")
	if got := tab.Text("main"); !strings.Contains(got, user) {
		t.Errorf("want the page that tells who is signed in, got %q", got)
	}
}

// One answer is good for one login, one browser and one time.
func TestAnswersAreUsedOnce(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	toForm := func(p *e2e.Person) e2e.WebForm {
		page := p.Open(g.Login(domain))
		for _, f := range page.Forms {
			if f.Values.Has("userName") {
				answer := p.Submit(f, idp.SignIn(user).Fields)
				return answer.Forms[0]
			}
		}
		t.Fatal(page)
		return e2e.WebForm{}
	}
	refused := func(what string, end e2e.Sheet) {
		t.Helper()
		if end.Status != http.StatusBadRequest && end.Status != http.StatusForbidden || !strings.HasPrefix(end.URL.String(), g.URL) {
			t.Errorf("%s: %s", what, end)
		}
	}
	kim := e2e.NewPerson(t)
	form := toForm(kim)
	refused("a program without cookies sent the answer", e2e.NewPerson(t).Submit(form, nil))
	if end := kim.Submit(form, nil); end.Status != http.StatusOK || !strings.Contains(end.Body, user) {
		t.Fatalf("the login failed: %s", end)
	}
	refused("the answer was accepted twice", kim.Submit(form, nil))

	thief, robbed := e2e.NewPerson(t), e2e.NewPerson(t)
	toForm(thief) // has a login of its own under way
	form = toForm(robbed)
	refused("another browser sent the answer", thief.Submit(form, nil))
	refused("an answer that another browser has tried", robbed.Submit(form, nil))

	// The answer to one request does not fit another one of the same browser.
	lee := e2e.NewPerson(t)
	one, two := toForm(lee), toForm(lee)
	one.Values.Set("RelayState", two.Values.Get("RelayState"))
	refused("an answer to another request was accepted", lee.Submit(one, nil))
}

func TestLostCookie(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	tab := b.Tab()
	tab.Open(g.Login(domain))
	b.ClearCookies("")
	tab.SignIn(idp.SignIn(user))
	refusedPage(t, g, b, tab, "cookie_blocked")
	tab.Click("a.button")
	tab.WaitForURL(idp.Base)
	tab.SignIn(idp.SignIn(user))
	tab.WaitForURL(g.Service) // where the person wanted to go at first
	if got := tab.Text("h1"); got != user {
		t.Errorf("trying again did not help: the service sees %q", got)
	}
}

// Login CSRF: somebody else's login, finished in this browser, signs nobody in.
func TestForeignLoginIsNotFinished(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	attacker, victim := e2e.NewBrowser(t, e2e.BrowserOptions{}), e2e.NewBrowser(t, e2e.BrowserOptions{})
	bait := attacker.Tab()
	bait.Open(g.Login(domain))
	for _, warm := range []bool{false, true} {
		tab := victim.Tab()
		if warm { // a browser that has a login of its own under way
			tab.Open(g.Login(domain))
			bait.Open(g.Login(domain))
		}
		tab.Open(bait.URL())
		tab.SignIn(idp.SignIn(other))
		code := "cookie_blocked"
		if warm {
			code = "state_lost"
		}
		refusedPage(t, g, victim, tab, code)
	}
}

// The request goes by a form that sends itself, under a policy that allows no inline script; without scripts by a button.
func TestPOSTBinding(t *testing.T) {
	t.Parallel()
	g := e2e.NewGateway(t)
	newDomain(g)
	idp := e2e.PySAML2(t, g.ServiceProvider(domain))
	connectSAML(g, idp, "binding: post", "sign_requests: true")
	for name, o := range map[string]e2e.BrowserOptions{"script": {}, "no script": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			b := e2e.NewBrowser(t, o)
			tab := b.Tab()
			tab.Open(g.Login(domain))
			if o.NoScript {
				if got := tab.URL(); !strings.HasPrefix(got, g.URL) {
					t.Fatalf("without scripts the form was sent by itself, to %s", got)
				}
				tab.Click("button")
			}
			tab.WaitForURL(idp.SSOURL)
			if got := tab.Problems(); len(got) != 0 && strings.Contains(strings.Join(got, "\n"), "Content Security Policy") {
				t.Errorf("the browser complains: %q", got)
			}
			tab.SignIn(idp.SignIn(user))
			if o.NoScript { // pysaml2's answer has a button, too
				tab.Click("input[type=submit]")
			}
			tab.WaitForURL(g.Service)
			if got := tab.Text("h1"); got != user {
				t.Errorf("the service sees %q", got)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	signIn(t, g, b, idp.SignIn(user), user)
	tab := b.Tab()
	tab.Open(g.URL + "/d/logout/" + domain)
	if got := g.Verify(b); got.Status != http.StatusOK {
		t.Fatalf("a link alone signed out: %+v", got)
	}
	tab.Click("main button")
	tab.WaitFor("main a.button")
	if got := g.Verify(b); got.Status != http.StatusUnauthorized {
		t.Errorf("after the logout /auth/verify answers %+v", got)
	}
	if got := tab.Open(g.Service); got != http.StatusUnauthorized {
		t.Errorf("after the logout the service answers %d", got)
	}
	if got := tab.Open(g.URL + "/d/logout/" + domain + "?" + url.Values{"redirect_uri": {"https://evil.example/"}}.Encode()); got != http.StatusBadRequest {
		t.Errorf("a redirect_uri that nobody listed: %d at %s", got, tab.URL())
	}
}

// The identity provider begins: only where the domain switched it on, and only after the person has said yes.
func TestIdPInitiated(t *testing.T) {
	t.Parallel()
	g := e2e.NewGateway(t)
	newDomain(g)
	sp := g.ServiceProvider(domain)
	idp := e2e.PySAML2(t, sp)
	begin := idp.Base + "/unsolicited?" + url.Values{"sp": {sp.EntityID}, "relay_state": {g.Service + "/start"}}.Encode()
	connectSAML(g, idp, "idp_initiated: true")

	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	tab := b.Tab()
	tab.Open(begin)
	tab.SignIn(idp.SignIn(user))
	tab.WaitForURL(g.URL + "/acs/")
	if got := g.Verify(b); got.Status != http.StatusUnauthorized {
		t.Fatalf("signed in before the person said yes: %+v", got)
	}
	tab.Click("main button")
	tab.WaitForURL(g.Service + "/start")
	if got := tab.Text("h1"); got != user {
		t.Errorf("the service sees %q", got)
	}

	connectSAML(g, idp, "idp_initiated: false")
	off := e2e.NewBrowser(t, e2e.BrowserOptions{})
	eventually(t, "IdP-initiated sign-in is off", func() bool {
		tab := off.Tab()
		defer tab.Close()
		tab.Open(begin)
		tab.SignIn(idp.SignIn(user))
		tab.WaitForURL(g.URL + "/acs/")
		return tab.Count("#reference") == 1 && g.Verify(off).Status == http.StatusUnauthorized
	})
}

// What the operator takes away ends at once on the running gateway, though another process did it.
func TestRightsEnd(t *testing.T) {
	t.Parallel()
	g, idp := house(t)
	b := e2e.NewBrowser(t, e2e.BrowserOptions{})
	signIn(t, g, b, idp.SignIn(user), user)
	g.Run("member", "suspend", domain, user)
	eventually(t, "the member's session is over", func() bool { return g.Verify(b).Status == http.StatusUnauthorized })
	tab := b.Tab()
	tab.Open(g.Login(domain))
	tab.SignIn(idp.SignIn(user))
	refusedPage(t, g, b, tab, "user_suspended")

	c := e2e.NewBrowser(t, e2e.BrowserOptions{})
	signIn(t, g, c, idp.SignIn(other), other)
	tab = c.Tab()
	g.Apply("domains:\n  - name: "+domain+"\n    disabled: true", nil)
	eventually(t, "the domain's sessions are over", func() bool { return g.Verify(c).Status == http.StatusUnauthorized })
	eventually(t, "the domain is unknown", func() bool { return tab.Open(g.Login(domain)) == http.StatusNotFound })
}
