package testidp_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/crewjam/saml"
	"github.com/ssogate/ssogate/testidp"
)

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	out, err := xml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStaySignedIn(t *testing.T) {
	p := start(t, "")
	sp := newSP(t, p, false)
	b := newBrowser(t)
	_, address := ask(t, sp)
	_, flow := b.get(address).form()
	flow.Set("person", "alice")
	flow.Set("remember", "on")
	b.post(p.URL("/sign-in"), flow)

	_, address = ask(t, sp)
	if to, _ := b.get(address).form(); to != spACS {
		t.Errorf("the second sign-in shows a page: form goes to %q", to)
	}
	sp.ForceAuthn = new(bool)
	*sp.ForceAuthn = true
	_, address = ask(t, sp)
	if to, _ := b.get(address).form(); to != "/sign-in" {
		t.Errorf("ForceAuthn is not asked: form goes to %q", to)
	}
	sp.ForceAuthn = nil
	out := b.get(p.URL("/logout?redirect_uri=https%3A%2F%2Fsso.example%2Fdone"))
	if out.StatusCode != 302 || out.Header.Get("Location") != "https://sso.example/done" {
		t.Errorf("logout: %d %s", out.StatusCode, out.Header.Get("Location"))
	}
	_, address = ask(t, sp)
	if to, _ := b.get(address).form(); to != "/sign-in" {
		t.Errorf("still signed in after the logout: form goes to %q", to)
	}
	if got := b.get(p.URL("/logout")); got.StatusCode != 200 || !strings.Contains(got.body, "Signed out") {
		t.Errorf("plain logout: %d", got.StatusCode)
	}
}

func TestCancelAndPassive(t *testing.T) {
	p := start(t, "")
	sp := newSP(t, p, false)
	b := newBrowser(t)
	id, address := ask(t, sp)
	_, flow := b.get(address).form()
	flow.Set("cancel", "1")
	_, fields := b.post(p.URL("/sign-in"), flow).form()
	if got := string(decode(t, fields)); !strings.Contains(got, "status:AuthnFailed") || !strings.Contains(got, id) || strings.Contains(got, "Assertion ") {
		t.Errorf("cancelled: %s", got)
	}
	request, err := sp.MakeAuthenticationRequest(p.URL("/saml/sso"), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	passive := true
	request.IsPassive = &passive
	to, err := request.Redirect("", sp)
	if err != nil {
		t.Fatal(err)
	}
	_, fields = b.get(to.String()).form()
	if got := string(decode(t, fields)); !strings.Contains(got, "status:NoPassive") {
		t.Errorf("passive: %s", got)
	}
}

func TestPages(t *testing.T) {
	p := start(t, "")
	p.AddPerson(testidp.Person{Login: `"><script>`, GivenName: "<b>"})
	newSP(t, p, false)
	b := newBrowser(t)
	home := b.get(p.URL("/"))
	for _, want := range []string{"Test identity provider", "/saml/start?sp=", p.URL("/works/login"), "A-100"} {
		if !strings.Contains(home.body, want) {
			t.Errorf("home lacks %q", want)
		}
	}
	if strings.Contains(home.body, "<script>") || strings.Contains(home.body, "<b>") {
		t.Error("home does not escape")
	}
	if got := b.get(p.URL("/nothing")); got.StatusCode != 404 || p.Count("unknown") != 1 || p.Count("/") != 1 {
		t.Errorf("unknown path: %d, counted %d and %d", got.StatusCode, p.Count("unknown"), p.Count("/"))
	}
}
