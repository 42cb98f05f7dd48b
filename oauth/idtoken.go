package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// allowed are all algorithms this client will ever accept: asymmetric ones only. none and HS* are not among them whatever a
// provider announces (security.md 2.1, RFC 8725 section 3.1).
var allowed = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// algorithms are the allowed ones, less what the connection leaves out, less what the provider does not announce.
func (c *client) algorithms(e endpoints) []string {
	var list []string
	for _, a := range allowed {
		configured := len(c.cfg.Algorithms) == 0 || slices.Contains(c.cfg.Algorithms, string(a))
		announced := len(e.algorithms) == 0 || slices.Contains(e.algorithms, string(a))
		if configured && announced {
			list = append(list, string(a))
		}
	}
	return list
}

// verifySigned returns the payload of a token that the provider signed, and its algorithm. It judges the form, the header and
// the signature, in that order; the claims are still to be judged.
func (c *client) verifySigned(ctx context.Context, t *trail, e endpoints, name, raw string) (object, string, error) {
	unverifiedHeader, err := c.judgeForm(t, name, raw)
	if err != nil {
		return nil, "", err
	}
	algorithm, list := unverifiedHeader.text("alg"), c.algorithms(e)
	if err := t.judge(slices.Contains(list, algorithm), name+" algorithm", Refusal{Code: codeAlgorithm, Section: "RFC 8725 3.1",
		Want: strings.Join(list, " "), Got: plain(unverifiedHeader["alg"]), Fix: AtIdentityProvider}); err != nil {
		return nil, "", err
	}
	payload, err := c.verifiedPayload(ctx, e, raw, algorithm)
	if err != nil && !errors.Is(err, errSignature) && !errors.Is(err, errClaims) {
		return nil, "", c.keyFault(t, err)
	}
	if err := t.judge(!errors.Is(err, errSignature), name+" signature", Refusal{Code: codeSignature, Section: "OpenID Connect Core 3.1.3.7 (6)",
		Want: "a key of the provider", Got: "kid " + plain(unverifiedHeader["kid"]), Fix: AtIdentityProvider}); err != nil {
		return nil, "", err
	}
	o, malformed := parseObject(payload)
	sound := err == nil && malformed == nil
	if err := t.judge(sound, name+" claims", Refusal{Code: codeIDToken, Section: "RFC 7519 4", Want: "one JSON object, no doubled names, claims of their kinds",
		Got: map[bool]string{true: "one", false: "something else"}[sound], Fix: AtIdentityProvider}); err != nil {
		return nil, "", err
	}
	return o, algorithm, nil
}

// verifiedPayload has go-oidc parse and verify. Issuer, audience and time are judged by judgeClaims, where each is a check
// one can read. What go-oidc cannot decode is refused too: two readers must agree.
func (c *client) verifiedPayload(ctx context.Context, e endpoints, raw, algorithm string) ([]byte, error) {
	p := &provider{c: c, address: e.keys}
	v := oidc.NewVerifier(e.issuer, p, &oidc.Config{SupportedSigningAlgs: []string{algorithm},
		SkipClientIDCheck: true, SkipExpiryCheck: true, SkipIssuerCheck: true})
	_, err := v.Verify(ctx, raw)
	if p.fault != nil {
		return nil, p.fault // Verify keeps only its text
	}
	if p.payload == nil {
		return nil, errSignature
	}
	if err != nil {
		return nil, errClaims
	}
	return p.payload, nil
}

var errClaims = errors.New("oauth: signed, yet not an ID token")

// judgeForm accepts the compact serialization with a plain header. crit is refused whatever it names: we understand no
// extension (RFC 7515 section 4.1.11).
func (c *client) judgeForm(t *trail, name, raw string) (object, error) {
	r := Refusal{Code: codeIDToken, Section: "RFC 7515 7.1", Want: "a signed token in three parts", Got: fmt.Sprintf("%d bytes", len(raw)), Fix: AtIdentityProvider}
	parts := strings.Split(raw, ".")
	sound := raw != "" && len(raw) <= maxToken && len(parts) == 3 && !slices.ContainsFunc(parts, notCanonical)
	if err := t.judge(sound, name+" form", r); err != nil {
		return nil, err
	}
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	o, err := parseObject(header)
	_, critical := o["crit"]
	r.Want, r.Got = "a plain header, no crit, no doubled names", "another one"
	if sound = err == nil && !critical; sound {
		r.Got = "a plain header"
	}
	if err := t.judge(sound, name+" header", r); err != nil {
		return nil, err
	}
	return o, nil
}

// notCanonical finds second spellings of one token: the decoders skip line breaks and the unused bits of the last character.
func notCanonical(part string) bool {
	_, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err != nil || strings.ContainsAny(part, "\r\n")
}

// judgeClaims is the list of OpenID Connect Core 3.1.3.7, in its order.
func (c *client) judgeClaims(t *trail, e endpoints, o object, k token, nonce, algorithm string) error {
	for _, judge := range []func() error{
		func() error { return c.judgeTokenIssuer(t, e, o) },
		func() error { return c.judgeAudience(t, o) },
		func() error { return c.judgeTimes(t, o) },
		func() error { return judgeNonce(t, o, nonce) },
		func() error { return judgeSubject(t, o) },
		func() error { return judgeHash(t, o, k, algorithm) },
	} {
		if err := judge(); err != nil {
			return err
		}
	}
	return nil
}

// judgeTokenIssuer also judges the tenant where the issuer is a template: tid must be pinned, and iss must be made of it.
func (c *client) judgeTokenIssuer(t *trail, e endpoints, o object) error {
	want, tid := e.issuer, o.text("tid")
	if strings.Contains(want, tenantTemplate) {
		pinned := slices.Contains(c.cfg.EntraTenants, tid)
		if err := t.judge(pinned, "tenant", Refusal{Code: codeTenant, Section: "security.md 2.1", Want: strings.Join(c.cfg.EntraTenants, " "), Got: plain(o["tid"]), Fix: AtPerson}); err != nil {
			return err
		}
		want = strings.Replace(want, tenantTemplate, tid, 1)
	}
	return t.judge(o.text("iss") == want, "issuer", Refusal{Code: codeIssuer, Section: "OpenID Connect Core 3.1.3.7 (2)", Want: want, Got: plain(o["iss"]), Fix: AtConnection})
}

func (c *client) judgeAudience(t *trail, o object) error {
	audience, ok := o.texts("aud")
	r := Refusal{Code: codeAudience, Section: "OpenID Connect Core 3.1.3.7 (3)", Want: c.cfg.ClientID, Got: strings.Join(audience, " "), Fix: AtConnection}
	if err := t.judge(ok && slices.Contains(audience, c.cfg.ClientID), "audience", r); err != nil {
		return err
	}
	// With several audiences the token must say for whom it was made; and when it says so, it must be us.
	_, said := o["azp"]
	party := o.text("azp") == c.cfg.ClientID || (!said && len(audience) == 1)
	return t.judge(party, "authorized party", Refusal{Code: codeAudience, Section: "OpenID Connect Core 3.1.3.7 (4, 5)", Want: c.cfg.ClientID, Got: "azp " + plain(o["azp"]), Fix: AtConnection})
}

func (c *client) judgeTimes(t *trail, o object) error {
	now, skew := c.cfg.Now(), c.cfg.Skew
	exp, ok := o.seconds("exp")
	alive := ok && now.Before(time.Unix(exp, 0).Add(skew))
	if err := t.judge(alive, "expiry", Refusal{Code: codeExpired, Section: "OpenID Connect Core 3.1.3.7 (9)", Want: "after " + moment(now.Add(-skew)), Got: date(o, "exp"), Fix: AtIdentityProvider}); err != nil {
		return err
	}
	iat, ok := o.seconds("iat")
	issued := ok && !time.Unix(iat, 0).After(now.Add(skew))
	if err := t.judge(issued, "issued at", Refusal{Code: codeNotYetValid, Section: "OpenID Connect Core 2", Want: "not after " + moment(now.Add(skew)), Got: date(o, "iat"), Fix: AtIdentityProvider}); err != nil {
		return err
	}
	if _, limited := o["nbf"]; !limited {
		return nil
	}
	nbf, ok := o.seconds("nbf")
	begun := ok && !time.Unix(nbf, 0).After(now.Add(skew))
	return t.judge(begun, "not before", Refusal{Code: codeNotYetValid, Section: "RFC 7519 4.1.5", Want: "not after " + moment(now.Add(skew)), Got: date(o, "nbf"), Fix: AtIdentityProvider})
}

func moment(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func date(o object, name string) string {
	if s, ok := o.seconds(name); ok {
		return moment(time.Unix(s, 0))
	}
	return plain(o[name])
}

// judgeNonce binds the token to the login: it stops a code of another login even where the provider ignores PKCE.
func judgeNonce(t *trail, o object, nonce string) error {
	same := nonce != "" && subtle.ConstantTimeCompare([]byte(o.text("nonce")), []byte(nonce)) == 1
	got := "this login's"
	if !same {
		got = map[bool]string{true: "another", false: "absent"}[o.text("nonce") != ""]
	}
	return t.judge(same, "nonce", Refusal{Code: codeNonce, Section: "OpenID Connect Core 3.1.3.7 (11)", Want: "this login's", Got: got, Fix: AtIdentityProvider})
}

func judgeSubject(t *trail, o object) error {
	sub := o.text("sub")
	sound := sub != "" && len(sub) <= maxUserKey && wholeText(sub)
	return t.judge(sound, "subject", Refusal{Code: codeSubject, Section: "OpenID Connect Core 2", Want: "a string of at most 255 bytes", Got: bounded(plain(o["sub"]), maxUserKey), Fix: AtIdentityProvider})
}

// judgeHash compares at_hash, where it is there, with the access token that came along (OpenID Connect Core 3.1.3.6).
func judgeHash(t *trail, o object, k token, algorithm string) error {
	if _, there := o["at_hash"]; !there {
		return nil
	}
	sum := sha256.Sum256([]byte(k.access))
	half := sum[:len(sum)/2]
	if algorithm == "EdDSA" { // Ed25519 signs with SHA-512
		sum := sha512.Sum512([]byte(k.access))
		half = sum[:len(sum)/2]
	}
	same := o.text("at_hash") == base64.RawURLEncoding.EncodeToString(half)
	got := map[bool]string{true: "its hash", false: "another hash"}[same]
	return t.judge(same, "access token hash", Refusal{Code: codeAtHash, Section: "OpenID Connect Core 3.1.3.8", Want: "the access token's hash", Got: got, Fix: AtIdentityProvider})
}
