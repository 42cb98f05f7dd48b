package testidp_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/testidp"
)

// TestFaults: every fault on the key set stands for the other endpoints, which share the code.
func TestFaults(t *testing.T) {
	p := start(t, "alice")
	b := newBrowser(t)
	jwks := func(f testidp.Fault) page {
		p.Misbehave(testidp.Knobs{AtJWKS: f})
		return b.get(p.URL("/jwks"))
	}
	if got := jwks(""); got.StatusCode != 200 || !strings.HasPrefix(got.body, `{"keys":[{`) {
		t.Fatalf("good: %d %s", got.StatusCode, got.body)
	}
	if got := jwks(testidp.Status); got.StatusCode != 500 {
		t.Errorf("Status: %d", got.StatusCode)
	}
	if got := jwks(testidp.HTML); got.StatusCode != 200 || !strings.Contains(got.body, "<script>") || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Errorf("HTML: %d %s", got.StatusCode, got.body)
	}
	if got := jwks(testidp.Empty); got.StatusCode != 200 || got.body != "" {
		t.Errorf("Empty: %d %s", got.StatusCode, got.body)
	}
	if got := jwks(testidp.Garbage); got.StatusCode != 200 || got.body != `{"access_token":` {
		t.Errorf("Garbage: %d %s", got.StatusCode, got.body)
	}
	if got := jwks(testidp.Huge); len(got.body) < 20<<20 || len(p.LastResponse("/jwks").Body) != 1<<20 {
		t.Errorf("Huge: %d bytes, %d kept", len(got.body), len(p.LastResponse("/jwks").Body))
	}
	if got := jwks(testidp.Redirect); got.StatusCode != 302 || p.Count("/redirected") != 0 {
		t.Errorf("Redirect: %d", got.StatusCode)
	}
	b.get(p.URL("/redirected"))
	if p.Count("/redirected") != 1 {
		t.Error("who follows is not counted")
	}
	p.Misbehave(testidp.Knobs{AtJWKS: testidp.Cut})
	answer, err := b.c.Get(p.URL("/jwks"))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("Cut: the body is whole")
	}
}

func TestFaultsReachEveryEndpoint(t *testing.T) {
	s := newWorks(t)
	s.p.Misbehave(testidp.Knobs{AtToken: testidp.Status, AtUserInfo: testidp.Status, AtJWKS: testidp.Status, AtDiscovery: testidp.Status, AtMetadata: testidp.Status})
	for _, path := range []string{"/token", "/works/token", "/works/userinfo"} {
		if got := s.b.post(s.p.URL(path), nil); got.StatusCode != 500 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	for _, path := range []string{"/userinfo", "/jwks", "/.well-known/openid-configuration", "/saml/metadata"} {
		if got := s.b.get(s.p.URL(path)); got.StatusCode != 500 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}

// TestHangEnds with the request, and with Close; goleak sees what stays behind.
func TestHangEnds(t *testing.T) {
	for _, fault := range []testidp.Fault{testidp.Hang, testidp.SlowDrip} {
		t.Run(string(fault), func(t *testing.T) {
			p := start(t, "alice")
			b := newBrowser(t)
			p.Misbehave(testidp.Knobs{AtToken: fault})
			ctx, cancel := context.WithCancel(t.Context())
			came := make(chan error, 1)
			call := func() {
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL("/token"), strings.NewReader("code=x"))
				if err != nil {
					came <- err
					return
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				answer, err := b.c.Do(r)
				if err == nil {
					_, err = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				came <- err
			}
			go call()
			for p.Count("/token") == 0 { // until it is taken
				select {
				case err := <-came:
					t.Fatalf("answered: %v", err)
				default:
					runtime.Gosched()
				}
			}
			cancel()
			if err := <-came; err == nil {
				t.Error("answered before the client left")
			}
			ctx = t.Context()
			go call()
			for p.Count("/token") == 1 {
				select {
				case err := <-came:
					t.Fatalf("answered: %v", err)
				default:
					runtime.Gosched()
				}
			}
			p.Close()
			<-came
		})
	}
}
