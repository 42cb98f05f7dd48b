package testidp_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/ssogate/ssogate/testidp"
	"golang.org/x/oauth2"
)

// TestRedirectKnobs: what comes back to the callback.
func TestRedirectKnobs(t *testing.T) {
	p := start(t, "alice")
	rp := newRelyingParty(t, p)
	for _, c := range []struct {
		name  string
		knobs testidp.Knobs
		shows func() bool
	}{
		{"WrongState", testidp.Knobs{WrongState: true}, func() bool { return rp.answer.Get("state") != "state-1" && rp.answer.Get("state") != "" }},
		{"NoState", testidp.Knobs{NoState: true}, func() bool { return !rp.answer.Has("state") }},
		{"TwoStates", testidp.Knobs{TwoStates: true}, func() bool { return len(rp.answer["state"]) == 2 && rp.answer["state"][1] == "state-1" }},
		{"NoCode", testidp.Knobs{NoCode: true}, func() bool { return !rp.answer.Has("code") && !rp.answer.Has("error") }},
		{"Code", testidp.Knobs{Code: "injected"}, func() bool { return rp.answer.Get("code") == "injected" }},
		{"WrongIssParam", testidp.Knobs{WrongIssParam: true}, func() bool { return rp.answer.Get("iss") == "https://elsewhere.example" }},
		{"NoIssParam", testidp.Knobs{NoIssParam: true}, func() bool { return !rp.answer.Has("iss") }},
		{"ErrorAnswer", testidp.Knobs{ErrorAnswer: "<script>alert(1)</script>"}, func() bool {
			return rp.answer.Get("error") == "access_denied" && rp.answer.Get("error_description") == "<script>alert(1)</script>" && !rp.answer.Has("code")
		}},
		{"ErrorAndCode", testidp.Knobs{ErrorAndCode: true}, func() bool { return rp.answer.Has("error") && rp.answer.Has("code") }},
	} {
		p.Misbehave(testidp.Knobs{})
		if rp.begin(); c.shows() {
			t.Errorf("%s: the good answer shows it too", c.name)
		}
		p.Misbehave(c.knobs)
		if rp.begin(); !c.shows() {
			t.Errorf("%s: %v", c.name, rp.answer)
		}
	}
}

// idTokenKnobs: refused means that go-oidc (with at_hash) refuses it; the others are for the client to find in the claims.
var idTokenKnobs = []struct {
	name    string
	knobs   testidp.Knobs
	refused bool
	shows   func(header, claims map[string]any) bool
}{
	{"WrongNonce", testidp.Knobs{WrongNonce: true}, false, func(_, c map[string]any) bool { return c["nonce"] != "nonce-1" && c["nonce"] != nil }},
	{"NoNonce", testidp.Knobs{NoNonce: true}, false, func(_, c map[string]any) bool { return c["nonce"] == nil }},
	{"WrongAud", testidp.Knobs{WrongAud: true}, true, func(_, c map[string]any) bool { return c["aud"] == "another-client" }},
	{"TwoAuds", testidp.Knobs{TwoAuds: true}, false, func(_, c map[string]any) bool {
		list, ok := c["aud"].([]any)
		return ok && len(list) == 2 && c["azp"] == nil
	}},
	{"WrongAzp", testidp.Knobs{WrongAzp: true}, false, func(_, c map[string]any) bool { return c["azp"] == "another-client" }},
	{"WrongIss", testidp.Knobs{WrongIss: true}, true, func(_, c map[string]any) bool { return c["iss"] == "https://elsewhere.example" }},
	{"WrongSub", testidp.Knobs{WrongSub: true}, false, func(_, c map[string]any) bool { return c["sub"] == victim }},
	{"NoSub", testidp.Knobs{NoSub: true}, false, func(_, c map[string]any) bool { return c["sub"] == nil }},
	{"AlgNone", testidp.Knobs{AlgNone: true}, true, func(h, _ map[string]any) bool { return h["alg"] == "none" }},
	{"HS256WithPublicKey", testidp.Knobs{HS256WithPublicKey: true}, true, func(h, _ map[string]any) bool { return h["alg"] == "HS256" }},
	{"ExpiredToken", testidp.Knobs{ExpiredToken: true}, true, func(_, c map[string]any) bool { return c["exp"].(float64) < float64(time.Now().Unix()) }},
	{"FutureToken", testidp.Knobs{FutureToken: true}, true, func(_, c map[string]any) bool { return c["iat"].(float64) > float64(time.Now().Unix()+3000) }},
	{"NoExp", testidp.Knobs{NoExp: true}, true, func(_, c map[string]any) bool { return c["exp"] == nil }},
	{"UnknownKid", testidp.Knobs{UnknownKid: true}, true, func(h, _ map[string]any) bool { return h["kid"] != "rsa" }},
	{"KeyInHeader", testidp.Knobs{KeyInHeader: true}, true, func(h, _ map[string]any) bool { return h["jwk"] != nil && h["jku"] != nil }},
	{"WrongKey", testidp.Knobs{WrongKey: true}, true, nil},
	{"WrongAtHash", testidp.Knobs{WrongAtHash: true}, true, func(_, c map[string]any) bool { return c["at_hash"] == "AAAAAAAAAAAAAAAAAAAAAA" }},
	{"TamperedToken", testidp.Knobs{TamperedToken: true}, true, func(_, c map[string]any) bool { return c["sub"] == victim }},
	{"TwoSubs", testidp.Knobs{TwoSubs: true}, false, func(_, c map[string]any) bool { return c["sub"] == victim }}, // the last one wins in Go
}

func TestIDTokenKnobs(t *testing.T) {
	p := start(t, "alice")
	rp := newRelyingParty(t, p)
	look := func(k testidp.Knobs) (token *oauth2.Token, header, claims map[string]any) {
		t.Helper()
		p.Misbehave(k)
		rp.begin()
		token, err := rp.exchange()
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(token.Extra("id_token").(string), ".")
		for i, into := range []*map[string]any{&header, &claims} {
			raw, err := base64.RawURLEncoding.DecodeString(parts[i])
			if err != nil || json.Unmarshal(raw, into) != nil {
				t.Fatalf("part %d: %q", i, raw)
			}
		}
		return token, header, claims
	}
	for _, c := range idTokenKnobs {
		good, header, claims := look(testidp.Knobs{})
		if _, err := rp.verify(good, "RS256"); err != nil || c.shows != nil && c.shows(header, claims) {
			t.Errorf("%s: the good token: %v %v %v", c.name, header, claims, err)
		}
		bad, header, claims := look(c.knobs)
		if c.shows != nil && !c.shows(header, claims) {
			t.Errorf("%s: %v %v", c.name, header, claims)
		}
		if _, err := rp.verify(bad, "RS256"); (err != nil) != c.refused {
			t.Errorf("%s: refused %v: %v", c.name, c.refused, err)
		}
	}
	p.Misbehave(testidp.Knobs{NoIDToken: true})
	rp.begin()
	if token, err := rp.exchange(); err != nil || token.Extra("id_token") != nil {
		t.Errorf("NoIDToken: %v", err)
	}
}

func TestDiscoveryKnobs(t *testing.T) {
	p := start(t, "alice")
	b := newBrowser(t)
	p.Misbehave(testidp.Knobs{DiscoveryIssuer: "https://elsewhere.example"})
	if _, err := oidc.NewProvider(oidc.ClientContext(t.Context(), b.c), p.Issuer()); err == nil {
		t.Error("DiscoveryIssuer is not seen")
	}
	p.Misbehave(testidp.Knobs{DiscoveryOrigin: "https://elsewhere.example"})
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), b.c), p.Issuer())
	if err != nil || provider.Endpoint().TokenURL != "https://elsewhere.example/token" {
		t.Errorf("DiscoveryOrigin: %v", err)
	}
	p.Misbehave(testidp.Knobs{})
	p.SetOAuth(testidp.OAuthStyle{NoIssParameter: true, IgnorePKCE: true})
	page := b.get(p.URL("/.well-known/openid-configuration"))
	if strings.Contains(page.body, "iss_parameter") || strings.Contains(page.body, "code_challenge") {
		t.Errorf("announced: %s", page.body)
	}
}

// TestUserKnobs: the same spoiled answers at both addresses.
func TestUserKnobs(t *testing.T) {
	s := newWorks(t)
	rp := newRelyingParty(t, s.p)
	for _, c := range []struct {
		name   string
		knobs  testidp.Knobs
		want   string // part of the body at /works/userinfo
		status int
	}{
		{"good", testidp.Knobs{}, `{"user_id":"A-100"}`, 200},
		{"OtherSub", testidp.Knobs{OtherSub: true}, `"user_id":"victim@forged.example"`, 200},
		{"EmptyUserID", testidp.Knobs{EmptyUserID: true}, `"user_id":""`, 200},
		{"NoUserID", testidp.Knobs{NoUserID: true}, `{}`, 200},
		{"NumberUserID", testidp.Knobs{NumberUserID: true}, `"user_id":12345`, 200},
		{"NestedUserID", testidp.Knobs{NestedUserID: true}, `{"user_id":{"user_id":"A-100"}}`, 200},
		{"NULUserID", testidp.Knobs{NULUserID: true}, `"A-100\u0000"`, 200},
		{"LongUserID", testidp.Knobs{LongUserID: true}, strings.Repeat("u", 300), 200},
		{"ErrorWithUserID", testidp.Knobs{ErrorWithUserID: true}, `"error":"303","error_description":"invalid_access","user_id":"A-100"`, 200},
		{"StatusWithUser", testidp.Knobs{StatusWithUser: true}, `"user_id":"A-100"`, 400},
		{"DuplicateKeys", testidp.Knobs{DuplicateKeys: true}, `"user_id":"A-100","user_id":"victim@forged.example"`, 200},
	} {
		s.p.Misbehave(testidp.Knobs{})
		token := s.token()
		rp.begin()
		bearer, err := rp.exchange()
		if err != nil {
			t.Fatal(err)
		}
		s.p.Misbehave(c.knobs)
		got := s.b.post(s.p.URL("/works/userinfo"), map[string][]string{"client_id": {"works"}, "client_secret": {"hush"}, "access_token": {token}})
		if got.StatusCode != c.status || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %s", c.name, got.StatusCode, got.body)
		}
		_, err = rp.oidc.UserInfo(rp.ctx, oauth2.StaticTokenSource(bearer))
		if wrong := c.status != 200; wrong != (err != nil) {
			t.Errorf("%s at /userinfo: %v", c.name, err)
		}
	}
	s.p.Misbehave(testidp.Knobs{OtherSub: true})
	rp.begin()
	token, err := rp.exchange()
	if err != nil {
		t.Fatal(err)
	}
	info, err := rp.oidc.UserInfo(rp.ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != victim {
		t.Error(errors.Join(err, errors.New("OtherSub is not seen at /userinfo")))
	}
}
