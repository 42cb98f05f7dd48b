package service_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ssogate/ssogate/service"
)

// safe is where keys are kept; it can refuse to open.
type safe struct {
	mu    sync.Mutex
	keys  []service.Key
	err   error
	reads int
}

func (s *safe) read(context.Context) ([]service.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.keys, s.err
}

func (s *safe) set(err error, keys ...service.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys, s.err = keys, err
}

func newKey(t testing.TB, id string) service.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return service.Key{ID: id, Signer: private}
}

func newSigningGate(t testing.TB, s *safe, change ...func(*service.Options)) *gate {
	t.Helper()
	var signer *service.Signer
	g := newGate(t, append(change, func(o *service.Options) {
		signer = &service.Signer{Issuer: "https://auth.example.com", Audience: "board", Life: 2 * time.Minute, Keys: s.read}
		o.Signer = signer
	})...)
	signer.Now = g.clock.Now
	return g
}

// published are the keys as a service reads them.
func (g *gate) published() jose.JSONWebKeySet {
	g.t.Helper()
	resp := g.ask(http.MethodGet, "https://auth.example.com/.well-known/jwks.json", strangerAddress, "")
	var set jose.JSONWebKeySet
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&set) != nil {
		g.t.Fatalf("keys: %d", resp.StatusCode)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() || k.Use != "sig" || k.Algorithm != "ES256" {
			g.t.Errorf("published %+v", k)
		}
	}
	return set
}

// token asks for the signed header and verifies it with the keys as a service would; kid is that of the key that signed.
func (g *gate) token(cookie string, keys jose.JSONWebKeySet) (claims service.Claims, kid string) {
	g.t.Helper()
	resp := g.ask(http.MethodGet, verify+"?jwt=1", strangerAddress, cookie)
	parsed, err := jwt.ParseSigned(resp.Header.Get(service.HeaderJWT), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		g.t.Fatalf("%d, token %v", resp.StatusCode, err)
	}
	must(g.t, parsed.Claims(keys, &claims)) // finds the key by kid
	must(g.t, claims.ValidateWithLeeway(jwt.Expected{Issuer: "https://auth.example.com", AnyAudience: jwt.Audience{"board"}, Time: g.clock.Now()}, 0))
	if typ := parsed.Headers[0].ExtraHeaders["typ"]; typ != "JWT" {
		g.t.Errorf("typ %v", typ)
	}
	return claims, parsed.Headers[0].KeyID
}

func TestToken(t *testing.T) {
	g := newSigningGate(t, &safe{keys: []service.Key{newKey(t, "key_1")}})
	rec := g.taro()
	rec.Name = "山田 太郎"
	claims, kid := g.token(g.start(rec), g.published())
	now := g.clock.Now()
	want := service.Claims{
		Claims: jwt.Claims{
			Issuer: "https://auth.example.com", Audience: jwt.Audience{"board"}, Subject: "mem_taro",
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(2 * time.Minute)),
		},
		Email: "taro@mycompany.com", Name: "山田 太郎", Domain: "mycompany.com", ExternalKey: "emp-1001", SessionEnd: rec.Expires.Unix(),
	}
	got, err := json.Marshal(claims)
	must(t, err)
	expected, err := json.Marshal(want)
	must(t, err)
	if string(got) != string(expected) || kid != "key_1" {
		t.Errorf("kid %s\n got %s\nwant %s", kid, got, expected)
	}
}

// A token never outlives its session.
func TestTokenEndsWithTheSession(t *testing.T) {
	g := newSigningGate(t, &safe{keys: []service.Key{newKey(t, "key_1")}})
	rec := g.taro()
	rec.Expires = g.clock.Now().Add(90*time.Second + 700*time.Millisecond)
	claims, _ := g.token(g.start(rec), g.published())
	if end := claims.Expiry.Time(); end.After(rec.Expires) || end.Before(rec.Expires.Add(-time.Second)) {
		t.Errorf("ends %s, the session %s", end, rec.Expires)
	}
}

// A token is only there for who is let in, and only where it was asked for or is always sent.
func TestTokenWhere(t *testing.T) {
	keys := &safe{keys: []service.Key{newKey(t, "key_1")}}
	for _, c := range []struct {
		name  string
		g     *gate
		query string
		want  bool
	}{
		{"asked for", newSigningGate(t, keys), "?jwt=1", true},
		{"not asked for", newSigningGate(t, keys), "", false},
		{"asked for wrongly", newSigningGate(t, keys), "?jwt=true", false},
		{"always", newSigningGate(t, keys, func(o *service.Options) { o.AlwaysJWT = true }), "", true},
		{"always, asked through Envoy", newSigningGate(t, keys, func(o *service.Options) { o.AlwaysJWT = true }), "/p?jwt=0", true},
		{"without a signer", newGate(t, func(o *service.Options) { o.AlwaysJWT = true }), "?jwt=1", false},
	} {
		resp := c.g.ask(http.MethodGet, verify+c.query, proxyAddress, c.g.start(c.g.taro()))
		if got := resp.Header.Get(service.HeaderJWT) != ""; got != c.want || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, token %v", c.name, resp.StatusCode, got)
		}
		refused(t, c.g.ask(http.MethodGet, verify+c.query, proxyAddress, ""))
	}
}

// Whoever read the keys before a rollover understands every token during and after it.
func TestKeyRollover(t *testing.T) {
	one, two := newKey(t, "key_1"), newKey(t, "key_2")
	keys := &safe{keys: []service.Key{one}}
	g := newSigningGate(t, keys)
	cookie := g.start(g.taro())
	before := g.published()
	keys.set(nil, one, two) // prepared
	g.clock.Advance(time.Minute)
	during := g.published()
	if len(during.Keys) != 2 {
		t.Fatalf("published %d keys, want the next one too", len(during.Keys))
	}
	if _, kid := g.token(cookie, before); kid != "key_1" {
		t.Errorf("signed by %s before it was promoted", kid)
	}
	keys.set(nil, two, one) // promoted
	g.clock.Advance(59 * time.Second)
	if _, kid := g.token(cookie, during); kid != "key_1" {
		t.Errorf("signed by %s: keys are read again within the minute", kid)
	}
	g.clock.Advance(time.Second)
	if _, kid := g.token(cookie, during); kid != "key_2" {
		t.Errorf("signed by %s a minute after it was promoted", kid)
	}
	keys.set(nil, two) // retired
	g.clock.Advance(time.Minute)
	if set := g.published(); len(set.Keys) != 1 || set.Keys[0].KeyID != "key_2" {
		t.Errorf("published %d keys after one was retired", len(set.Keys))
	}
}

// With the directory gone, the keys that were read go on, and tries to read them are rare; without any, nobody gets a token.
func TestKeysUnreadable(t *testing.T) {
	gone := errors.New("test: directory gone")
	keys := &safe{keys: []service.Key{newKey(t, "key_1")}}
	g := newSigningGate(t, keys)
	cookie := g.start(g.taro())
	set := g.published()
	keys.set(gone)
	g.clock.Advance(30 * time.Minute)
	tries := keys.reads
	for range 20 {
		if _, kid := g.token(cookie, set); kid != "key_1" {
			t.Fatalf("signed by %s", kid)
		}
	}
	if n := keys.reads - tries; n != 1 {
		t.Errorf("%d tries to read the keys in one moment, want 1", n)
	}

	fresh := newSigningGate(t, keys)
	cookie = fresh.start(fresh.taro())
	tries = keys.reads
	for range 5 {
		unknown(t, fresh.ask(http.MethodGet, verify+"?jwt=1", proxyAddress, cookie))
		unknown(t, fresh.ask(http.MethodGet, "https://auth.example.com/.well-known/jwks.json", proxyAddress, ""))
	}
	if n := keys.reads - tries; n != 1 {
		t.Errorf("%d tries to read the keys in one moment, want 1", n)
	}
	if resp := fresh.ask(http.MethodGet, verify, proxyAddress, cookie); resp.StatusCode != http.StatusOK {
		t.Errorf("without a token: %d", resp.StatusCode)
	}
	keys.set(nil) // an empty answer is none
	fresh.clock.Advance(2 * time.Second)
	unknown(t, fresh.ask(http.MethodGet, verify+"?jwt=1", proxyAddress, cookie))
	keys.set(nil, newKey(t, "key_2"))
	fresh.clock.Advance(2 * time.Second)
	if _, kid := fresh.token(cookie, fresh.published()); kid != "key_2" {
		t.Errorf("signed by %s once the keys are back", kid)
	}
}

// While one request reads keys that do not come, the others go on with what they have.
func TestReadingKeysHoldsNobodyUp(t *testing.T) {
	reading, release := make(chan struct{}), make(chan struct{})
	key, first := newKey(t, "key_1"), true
	var signer *service.Signer
	g := newGate(t, func(o *service.Options) {
		signer = &service.Signer{Issuer: "i", Audience: "a", Life: time.Minute, Keys: func(context.Context) ([]service.Key, error) {
			if first {
				first = false
				return []service.Key{key}, nil
			}
			close(reading)
			<-release
			return nil, errors.New("test: too late")
		}}
		o.Signer = signer
	})
	signer.Now = g.clock.Now
	_, err := signer.Sign(t.Context(), g.taro())
	must(t, err)
	g.clock.Advance(time.Minute)
	done := make(chan error)
	go func() {
		_, err := signer.Sign(t.Context(), g.taro())
		done <- err
	}()
	<-reading
	_, err = signer.Sign(t.Context(), g.taro())
	must(t, err)
	close(release)
	must(t, <-done)
}
