package testidp

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"
)

func algorithm(style OAuthStyle) string { return cmp.Or(style.Algorithm, "RS256") }

// idToken writes and signs an ID token (OpenID Connect Core 2), honest or as the knobs want.
func (p *Provider) idToken(client OAuthClient, g *grant) (string, error) {
	_, style, knobs := p.settings()
	claims := map[string]any{}
	if !style.ClaimsElsewhere {
		claims = g.person.claims()
		delete(claims, "user_id")
	}
	now := p.now().Add(style.ClockOffset)
	claims["iss"], claims["sub"], claims["aud"], claims["nonce"] = p.Issuer(), g.person.Subject, client.ID, g.nonce
	claims["iat"], claims["exp"], claims["auth_time"] = now.Unix(), now.Add(5*time.Minute).Unix(), g.authn.Unix()
	claims["sid"] = g.token[:12]
	claims["at_hash"] = atHash(style, g.token)
	if g.nonce == "" {
		delete(claims, "nonce")
	}
	knobs.misstate(claims, client.ID, now)
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("testidp: id token: %w", err)
	}
	if knobs.TwoSubs {
		body = knobs.doubled(claims, "sub")
	}
	token, err := p.sign(style, knobs, body)
	if err != nil || !knobs.TamperedToken {
		return token, err
	}
	parts := bytes.Split([]byte(token), []byte("."))
	claims["sub"] = knobs.forged()
	if body, err = json.Marshal(claims); err != nil {
		return "", fmt.Errorf("testidp: id token: %w", err)
	}
	return string(parts[0]) + "." + base64.RawURLEncoding.EncodeToString(body) + "." + string(parts[2]), nil
}

// misstate applies the knobs that make a well-signed token with wrong claims.
func (k Knobs) misstate(claims map[string]any, client string, now time.Time) {
	set := func(on bool, name string, value any) {
		if on {
			claims[name] = value
		}
	}
	set(k.WrongNonce, "nonce", random())
	set(k.WrongAud, "aud", "another-client")
	set(k.TwoAuds, "aud", []string{client, "another-client"})
	set(k.WrongAzp, "azp", "another-client")
	set(k.WrongIss, "iss", "https://elsewhere.example")
	set(k.WrongSub, "sub", k.forged())
	set(k.ExpiredToken, "exp", now.Add(-time.Hour).Unix())
	set(k.FutureToken, "iat", now.Add(time.Hour).Unix())
	set(k.FutureToken, "nbf", now.Add(time.Hour).Unix())
	set(k.FutureToken, "exp", now.Add(2*time.Hour).Unix())
	set(k.WrongAtHash, "at_hash", "AAAAAAAAAAAAAAAAAAAAAA")
	for name, missing := range map[string]bool{"nonce": k.NoNonce, "sub": k.NoSub, "exp": k.NoExp} {
		if missing {
			delete(claims, name)
		}
	}
}

// atHash is the left half of the access token's hash, by the hash of the algorithm (OpenID Connect Core 3.1.3.6); Ed25519 hashes
// with SHA-512.
func atHash(style OAuthStyle, token string) string {
	sum := sha256.Sum256([]byte(token))
	half := sum[:16]
	if algorithm(style) == "EdDSA" {
		long := sha512.Sum512([]byte(token))
		half = long[:32]
	}
	return base64.RawURLEncoding.EncodeToString(half)
}

// sign makes a compact JWS (RFC 7515 section 3.1).
func (p *Provider) sign(style OAuthStyle, knobs Knobs, body []byte) (string, error) {
	name := map[string]Key{"ES256": KeyEC, "EdDSA": KeyEd25519}[algorithm(style)]
	pair := p.keys.pair(cmp.Or(name, style.Key))
	header := map[string]any{"alg": algorithm(style), "typ": "JWT", "kid": string(pair.id)}
	signer := pair.signer
	switch {
	case knobs.AlgNone:
		header["alg"] = "none"
	case knobs.HS256WithPublicKey:
		header["alg"] = "HS256"
	case knobs.WrongKey:
		signer = p.keys.Signer(KeyRogue)
	case knobs.UnknownKid:
		header["kid"] = random()
		signer = p.keys.Signer(KeyRogue)
	case knobs.KeyInHeader: // RFC 7515 section 4.1.3: a verifier must not trust it
		rogue := p.keys.pair(KeyRogue)
		header["jwk"], header["jku"], header["kid"] = rogue.jwk(), p.URL("/redirected"), string(KeyRogue)
		signer = rogue.signer
	}
	top, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("testidp: sign token: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString(top) + "." + base64.RawURLEncoding.EncodeToString(body)
	signature, err := signature(header["alg"].(string), signer, []byte(input))
	if err != nil {
		return "", fmt.Errorf("testidp: sign token: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// signature is RFC 7518 section 3 for the algorithms known here; HS256 takes the public key as its secret.
func signature(alg string, signer crypto.Signer, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	switch alg {
	case "none":
		return nil, nil
	case "HS256":
		der, err := x509.MarshalPKIXPublicKey(signer.Public())
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write(input)
		return mac.Sum(nil), nil
	case "EdDSA":
		return signer.Sign(rand.Reader, input, crypto.Hash(0))
	case "PS256":
		return signer.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	}
	out, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	key, isEC := signer.Public().(*ecdsa.PublicKey)
	if err != nil || !isEC {
		return out, err
	}
	return rawECDSA(out, key)
}
