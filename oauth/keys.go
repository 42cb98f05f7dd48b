package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

const (
	minRSA  = 2048 // bits, RFC 7518 section 3.3
	maxKeys = 100
)

var (
	errKeys      = errors.New("oauth: no JSON Web Key Set")
	errSignature = errors.New("oauth: not signed by a key of the provider")
)

// keySet holds the provider's signing keys.
type keySet struct{ found cached[[]jose.JSONWebKey] }

// load returns the keys; force asks for new ones, which happens at most once a minute (OpenID Connect Core 10.1.1).
func (k *keySet) load(ctx context.Context, c *client, address string, force bool) ([]jose.JSONWebKey, error) {
	return k.found.load(ctx, c.cfg.Now(), force, func(ctx context.Context) ([]jose.JSONWebKey, error) {
		a, err := c.get(ctx, address, nil)
		if err != nil {
			return nil, err
		}
		if a.status != http.StatusOK {
			return nil, errKeys
		}
		return parseKeys(a.body)
	})
}

// parseKeys skips keys of kinds we do not know (RFC 7517 section 5). What is no public key is never fit (canSign).
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	if _, err := parseObject(body); err != nil {
		return nil, errKeys
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil || len(set.Keys) > maxKeys {
		return nil, errKeys
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(raw, &key); err != nil || !key.Valid() {
			continue
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// provider is the go-oidc KeySet of one verification. It keeps what it found: go-oidc passes on only the text of an error.
type provider struct {
	c       *client
	address string
	payload []byte
	fault   error
}

// VerifySignature implements oidc.KeySet.
func (p *provider) VerifySignature(ctx context.Context, compact string) ([]byte, error) {
	p.payload, p.fault = p.verify(ctx, compact)
	return p.payload, p.fault
}

// verify knows the provider's published keys only: jku, x5u, x5c and jwk of the header are never looked at. An unknown kid
// asks for the keys anew.
func (p *provider) verify(ctx context.Context, compact string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(compact, allowed)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errSignature
	}
	header := jws.Signatures[0].Protected
	keys, err := p.c.keys.load(ctx, p.c, p.address, false)
	if err != nil {
		return nil, err
	}
	fitting := fit(keys, header)
	if len(fitting) == 0 {
		if keys, err = p.c.keys.load(ctx, p.c, p.address, true); err != nil {
			return nil, err
		}
		fitting = fit(keys, header)
	}
	// Without a kid the key must be beyond doubt (OpenID Connect Core 10.1).
	if header.KeyID == "" && len(fitting) > 1 {
		return nil, errSignature
	}
	for _, key := range fitting {
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

func fit(keys []jose.JSONWebKey, h jose.Header) []jose.JSONWebKey {
	var fitting []jose.JSONWebKey
	for _, k := range keys {
		if h.KeyID != "" && k.KeyID != h.KeyID {
			continue
		}
		if (k.Use != "" && k.Use != "sig") || (k.Algorithm != "" && k.Algorithm != h.Algorithm) || !canSign(k.Key, h.Algorithm) {
			continue
		}
		fitting = append(fitting, k)
	}
	return fitting
}

// canSign binds the algorithm to the kind of key, so that one can never be read as another (RFC 8725 section 3.1).
func canSign(key any, algorithm string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return (algorithm == "RS256" || algorithm == "PS256") && key.N.BitLen() >= minRSA
	case *ecdsa.PublicKey:
		return algorithm == "ES256" && key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == "EdDSA"
	}
	return false
}

func (c *client) keyFault(t *trail, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errKeys):
		return t.refuse("keys", Refusal{Code: codeDiscovery, Section: "RFC 7517 5", Want: "HTTP 200 with a JSON Web Key Set", Got: "something else", Fix: AtIdentityProvider})
	default:
		return t.refuse("keys", unreachable("the key set", err))
	}
}
