package testidp_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"html"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ssogate/ssogate/testidp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keys are shared by the tests: each kind is made once.
var keys = testidp.NewKeys()

var alice = testidp.Person{Login: "alice", Subject: "A-100", Email: "alice@mycompany.com", FamilyName: "Liddell", GivenName: "Alice",
	Groups: []string{"staff", "readers"}, Attributes: map[string][]string{"department": {"Tea & cards"}}}

// start runs a provider with two people; whoever is auto is signed in without a page.
func start(t *testing.T, auto string) *testidp.Provider {
	t.Helper()
	p, err := testidp.Start(testidp.Options{Keys: keys, AutoLogin: auto})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.AddPerson(alice)
	p.AddPerson(testidp.Person{Login: "bob"})
	return p
}

// browser follows no redirect and keeps cookies.
type browser struct {
	t *testing.T
	c *http.Client
}

func newBrowser(t *testing.T) browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return browser{t, &http.Client{Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer with its body read.
type page struct {
	*http.Response
	body string
}

func (b browser) do(r *http.Request) page {
	b.t.Helper()
	answer, err := b.c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{answer, string(body)}
}

func (b browser) get(address string) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b browser) post(address string, form url.Values) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)" ?/?>`)
	action = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
)

// form reads the hidden fields and the target of the page's form.
func (p page) form() (string, url.Values) {
	fields := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(p.body, -1) {
		fields.Add(m[1], html.UnescapeString(m[2]))
	}
	target := action.FindStringSubmatch(p.body)
	if target == nil {
		return "", fields
	}
	return html.UnescapeString(target[1]), fields
}

// spKeys is a service provider's key with its certificate, made once.
var spKeys = sync.OnceValues(func() (*rsa.PrivateKey, *x509.Certificate) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return key, cert
})
