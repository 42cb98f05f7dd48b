package e2e_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/testidp"
)

// injection is a gateway with two providers and a domain for each profile: an honest provider with a.example, b.example (oidc),
// plain.example (oauth2) and works.example, and one of an attacker with evil.example (oidc).
type injection struct {
	t              *testing.T
	g              *e2e.Gateway
	honest, attack *testidp.Provider
}

func newInjection(t *testing.T) *injection {
	t.Helper()
	x := &injection{t: t, g: e2e.NewGateway(t)}
	keys := testidp.NewKeys()
	for _, p := range []**testidp.Provider{&x.honest, &x.attack} {
		idp, err := testidp.Start(testidp.Options{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(idp.Close)
		idp.AddPerson(testidp.Person{Login: "victim", Subject: "victim"})
		idp.AddPerson(testidp.Person{Login: "attacker", Subject: "attacker"})
		*p = idp
	}
	text := "domains:\n"
	for _, d := range []struct {
		name    string
		profile testidp.Profile
		idp     *testidp.Provider
	}{
		{"a.example", testidp.ProfileOIDC, x.honest}, {"b.example", testidp.ProfileOIDC, x.honest}, {"plain.example", testidp.ProfileOAuth2, x.honest},
		{"works.example", testidp.ProfileWorks, x.honest}, {"evil.example", testidp.ProfileOIDC, x.attack},
	} {
		c := testidp.OAuthClient{ID: "client-" + d.name, Secret: "a secret of thirty-two characters", RedirectURIs: []string{x.g.URL + "/oauth/" + d.name + "/callback"}, Profile: d.profile}
		if err := d.idp.AddClient(c); err != nil {
			t.Fatal(err)
		}
		where := map[testidp.Profile]string{
			testidp.ProfileOIDC:   "issuer: '" + d.idp.URL("") + "'",
			testidp.ProfileOAuth2: "auth_url: '" + d.idp.URL("/authorize") + "', token_url: '" + d.idp.URL("/token") + "', user_info_url: '" + d.idp.URL("/userinfo") + "'",
			testidp.ProfileWorks:  "auth_url: '" + d.idp.URL("/works/login") + "', token_url: '" + d.idp.URL("/works/token") + "', user_info_url: '" + d.idp.URL("/works/userinfo") + "'",
		}[d.profile]
		text += fmt.Sprintf(`
  - name: %[1]s
    user_key: external_key
    sso: true
    connection:
      type: oauth
      oauth: {profile: %[2]s, client_id: %[3]s, client_secret: %[4]s, %[5]s}
    members:
      - {account: victim@%[1]s, external_key: victim, family_name: V, given_name: V}
      - {account: attacker@%[1]s, external_key: attacker, family_name: A, given_name: A}
`, d.name, d.profile, c.ID, c.Secret, where)
	}
	x.g.Apply(text, nil)
	return x
}

// stopped walks a login up to the callback, which is not sent, and returns its address.
func (x *injection) stopped(b *testidp.Browser, domain, person string) *url.URL {
	x.t.Helper()
	b.Through = stopAtCallback{}
	defer func() { b.Through = nil }()
	s, err := b.SignIn(x.t.Context(), x.g.Login(domain), person)
	if err != nil {
		x.t.Fatal(err)
	}
	u, err := url.Parse(s.Header.Get("X-Stopped-At"))
	if err != nil || u.Path != "/oauth/"+domain+"/callback" {
		x.t.Fatalf("the login stands at %s: %d %s", s.URL, s.Status, s.Body)
	}
	return u
}

type stopAtCallback struct{}

func (stopAtCallback) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/callback") {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Stopped-At": {r.URL.String()}}, Body: http.NoBody, Request: r}, nil
}

// nobody opens an address, which must be refused, and be nobody's sign-in.
func (x *injection) nobody(name string, b *testidp.Browser, u *url.URL) {
	x.t.Helper()
	s, err := b.Open(x.t.Context(), u.String())
	if err != nil {
		x.t.Fatal(err)
	}
	if s.Status != http.StatusBadRequest && s.Status != http.StatusForbidden {
		x.t.Errorf("%s: %d at %s", name, s.Status, s.URL)
	}
	if who := x.whoami(b); who != "" {
		x.t.Errorf("%s: signed in as %q", name, who)
	}
}

func (x *injection) whoami(b *testidp.Browser) string {
	x.t.Helper()
	s, err := b.Open(x.t.Context(), x.g.URL+"/auth/verify")
	if err != nil {
		x.t.Fatal(err)
	}
	return s.Header.Get("X-Auth-Request-User")
}

// tokenRequests counts what was handed to either provider.
func (x *injection) tokenRequests() [2]int {
	count := func(p *testidp.Provider) int { return p.Count("/token") + p.Count("/works/token") }
	return [2]int{count(x.honest), count(x.attack)}
}

// with is an address with some parameters from another one.
func with(u, from *url.URL, names ...string) *url.URL {
	q := u.Query()
	for _, name := range names {
		q[name] = from.Query()[name]
	}
	changed := *u
	changed.RawQuery = q.Encode()
	return &changed
}

// TestCodeInjection: a code of the victim's, stolen before it was used, in the attacker's own login. PKCE stops it; where the
// provider does not know PKCE, the nonce does. The profiles oauth2 without PKCE at the provider and works have nothing more to
// stop it with (docs/security.md, Known limits).
func TestCodeInjection(t *testing.T) {
	t.Parallel()
	x := newInjection(t)
	for _, style := range []testidp.OAuthStyle{{}, {IgnorePKCE: true}} {
		x.honest.SetOAuth(style)
		for _, domain := range []string{"a.example", "plain.example"} {
			if style.IgnorePKCE && domain == "plain.example" {
				continue
			}
			stolen := x.stopped(&testidp.Browser{}, domain, "victim")
			attacker := &testidp.Browser{}
			own := x.stopped(attacker, domain, "attacker")
			x.nobody(domain+", code injected", attacker, with(own, stolen, "code"))
		}
	}
	x.honest.SetOAuth(testidp.OAuthStyle{})
	stolen, attacker := x.stopped(&testidp.Browser{}, "a.example", "victim"), &testidp.Browser{}
	x.nobody("a code of another domain", attacker, with(x.stopped(attacker, "b.example", "attacker"), stolen, "code"))
}

// TestStateInjection: a state belongs to one browser, one domain and so one provider. With a foreign one nothing is sent to
// any provider.
func TestStateInjection(t *testing.T) {
	t.Parallel()
	x := newInjection(t)
	domains := []string{"a.example", "b.example", "plain.example", "works.example", "evil.example"}
	for _, at := range domains {
		for _, of := range domains {
			attacker, victim := &testidp.Browser{}, &testidp.Browser{}
			foreign := x.stopped(attacker, of, "attacker")
			own := x.stopped(victim, at, "victim")
			before := x.tokenRequests()
			x.nobody(of+" at "+at+": state of another browser", victim, with(own, foreign, "state"))
			x.nobody(of+" at "+at+": state and code of another browser", victim, with(own, foreign, "state", "code"))
			if at != of {
				moved := *foreign
				moved.Path = own.Path
				x.nobody(of+" at "+at+": whole answer, in its own browser", attacker, &moved)
			}
			if after := x.tokenRequests(); after != before {
				t.Errorf("%s at %s: token requests %v, before %v", of, at, after, before)
			}
		}
	}
}

// TestMixUpOfProviders: the attacker's provider sends the person on to the honest one and wants its code (RFC 9700 4.4).
func TestMixUpOfProviders(t *testing.T) {
	t.Parallel()
	x := newInjection(t)
	person := &testidp.Browser{}
	code := x.stopped(&testidp.Browser{}, "a.example", "victim")
	begun := x.stopped(person, "evil.example", "victim")
	before := x.tokenRequests()
	x.nobody("the honest code, with the honest issuer", person, with(begun, code, "code", "iss"))
	begun = x.stopped(person, "evil.example", "victim")
	silent := with(begun, code, "code", "iss")
	query := silent.Query()
	query.Del("iss")
	silent.RawQuery = query.Encode()
	x.nobody("the honest code, without an issuer", person, silent)
	if after := x.tokenRequests(); after != before {
		t.Errorf("token requests %v, before %v: the honest code was handed on", after, before)
	}
}

// TestInjectionsHonestWay: the same walk with nothing injected ends signed in, for every domain.
func TestInjectionsHonestWay(t *testing.T) {
	t.Parallel()
	x := newInjection(t)
	for _, domain := range []string{"a.example", "b.example", "plain.example", "works.example", "evil.example"} {
		b := &testidp.Browser{}
		u := x.stopped(b, domain, "victim")
		if _, err := b.Open(t.Context(), u.String()); err != nil {
			t.Fatal(err)
		}
		if who := x.whoami(b); who != "victim@"+domain {
			t.Errorf("%s: %q", domain, who)
		}
	}
}
