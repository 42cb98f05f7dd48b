package testidp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/testidp"
)

func TestSAMLStylesThatOnlyTheDocumentShows(t *testing.T) {
	w := newKnobWorld(t)
	if good := w.see(testidp.SAMLStyle{}, testidp.Knobs{}); good.attr(".", "Destination") != spACS || good.el("./Issuer") == nil || good.until() > 5*time.Minute {
		t.Errorf("the default:\n%s", good.raw)
	}
	if bare := w.see(testidp.SAMLStyle{Bare: true, Lifetime: time.Hour}, testidp.Knobs{}); bare.attr(".", "Destination") != "" || bare.el("./Issuer") != nil || bare.until() < 59*time.Minute {
		t.Errorf("Bare for an hour:\n%s", bare.raw)
	}
	if none := w.see(testidp.SAMLStyle{Sign: testidp.SignNone}, testidp.Knobs{}); none.count("//Signature") != 0 {
		t.Errorf("SignNone:\n%s", none.raw)
	}
}

func TestTokenLife(t *testing.T) {
	s := newWorks(t)
	for want, style := range map[string]testidp.OAuthStyle{
		"3600": {}, "90": {TokenLife: 90 * time.Second}, "3600 text": {ExpiresInText: true}, "<nil>": {NoExpiresIn: true},
	} {
		s.p.SetOAuth(style)
		_, answer := s.call("/works/token", "grant_type", "authorization_code", "code", s.code("/works/login"))
		got := fmt.Sprint(answer["expires_in"])
		if _, text := answer["expires_in"].(string); text {
			got += " text"
		}
		if got != want {
			t.Errorf("%+v: %s, want %s", style, got, want)
		}
	}
}

// TestBrowser walks from a service to the provider and back, as tests of the gateway do.
func TestBrowser(t *testing.T) {
	p := start(t, "")
	sp := newSP(t, p, false)
	service := httptest.NewServer(nil)
	defer service.Close()
	sp.AcsURL.Scheme, sp.AcsURL.Host = "http", strings.TrimPrefix(service.URL, "http://")
	if err := p.AddServiceProvider(testidp.SAMLClient{EntityID: spID, ACS: []string{sp.AcsURL.String()}}); err != nil {
		t.Fatal(err)
	}
	service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/start":
			http.SetCookie(w, &http.Cookie{Name: "binding", Value: "1", Secure: true})
			_, address := ask(t, sp)
			http.Redirect(w, r, address, http.StatusFound)
		case r.Method == http.MethodPost && r.FormValue("SAMLResponse") != "":
			cookie, err := r.Cookie("binding")
			fmt.Fprintln(w, "welcome", cookie, err, r.Header.Get("Sec-Fetch-Site"))
		}
	})
	b := &testidp.Browser{Through: &http.Transport{DisableKeepAlives: true}}
	screen, err := b.SignIn(t.Context(), service.URL+"/start", "bob")
	if err != nil || screen.Status != 200 || screen.Body != "welcome binding=1 <nil> cross-site\n" {
		t.Fatalf("%+v: %v", screen, err)
	}
	if got := string(p.LastResponse("/sign-in").XML); !strings.Contains(got, ">bob<") {
		t.Errorf("somebody else signed in: %s", got)
	}
}
