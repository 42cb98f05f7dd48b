package oauth

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Codes of refusals, with what they mean for the person who must act.
const (
	codeUnreachable    = "idp_unreachable"       // a call got no HTTP answer
	codeBusy           = "idp_busy"              // a call was withheld: too many, or too many failures
	codeStart          = "oauth_start"           // the login start lacks what the profile needs
	codeProviderError  = "oauth_provider_error"  // the browser came back with an error
	codeCodeMissing    = "oauth_code_missing"    // the browser came back without a code
	codeSecretsMissing = "oauth_secrets_missing" // the login record lacks what Finish needs
	codeTokenOAuth     = "oauth_token_exchange"  // the token endpoint refused or answered nonsense (works, oauth2)
	codeTokenOIDC      = "oidc_token_exchange"   // the same (oidc)
	codeUserInfo       = "oauth_user_info"       // user information was refused or is nonsense
	codeUserKey        = "oauth_user_key"        // the user key is missing or cannot be one
	codeDiscovery      = "oidc_discovery"        // the discovery document or the keys are nonsense
	codeIssuer         = "oidc_issuer"           // another issuer than configured
	codeIDToken        = "oidc_id_token"         // missing or malformed ID token
	codeAlgorithm      = "oidc_algorithm"        // signed with an algorithm that is not allowed
	codeSignature      = "oidc_signature"        // not signed by a key of the provider
	codeAudience       = "oidc_audience"         // made for another client
	codeExpired        = "oidc_expired"          // exp is past
	codeNotYetValid    = "oidc_not_yet_valid"    // iat or nbf lies ahead
	codeNonce          = "oidc_nonce"            // of another login
	codeAtHash         = "oidc_at_hash"          // the access token belongs to another ID token
	codeSubject        = "oidc_subject"          // no sub, or user information about somebody else
	codeTenant         = "oidc_tenant"           // an Entra tenant that is not pinned
	codeUnverified     = "oidc_email_unverified" // e-mail chosen as user key, and not verified
)

// Codes lists every code a Refusal of this package can carry, sorted.
func Codes() []string {
	codes := []string{codeUnreachable, codeBusy, codeStart, codeProviderError, codeCodeMissing, codeSecretsMissing, codeTokenOAuth,
		codeTokenOIDC, codeUserInfo, codeUserKey, codeDiscovery, codeIssuer, codeIDToken, codeAlgorithm, codeSignature, codeAudience,
		codeExpired, codeNotYetValid, codeNonce, codeAtHash, codeSubject, codeTenant, codeUnverified}
	slices.Sort(codes)
	return codes
}

// trail writes down each comparison in the order it was made, and keeps secrets out of what it writes.
type trail struct {
	checks  []Check
	secrets []string // values that a hostile provider could echo: client secret, code, verifier, tokens
}

// judge notes the comparison named, and turns one that does not hold into the refusal given.
func (t *trail) judge(ok bool, name string, r Refusal) error {
	r.Want, r.Got = t.clean(r.Want), t.clean(r.Got)
	t.checks = append(t.checks, Check{Name: name, Section: r.Section, Want: r.Want, Got: r.Got, OK: ok})
	if ok {
		return nil
	}
	return &r
}

// refuse notes something that went wrong and is no comparison.
func (t *trail) refuse(name string, r Refusal) error { return t.judge(false, name, r) }

// hide adds a value that may not be written. Short ones are left out: removing them would only garble the text.
func (t *trail) hide(values ...string) {
	for _, v := range values {
		if len(v) >= 6 {
			t.secrets = append(t.secrets, v)
		}
	}
}

const maxText = 256

// clean makes foreign text safe to show: one line, no control or formatting characters, bounded, nothing secret.
func (t *trail) clean(s string) string {
	for _, secret := range t.secrets {
		s = strings.ReplaceAll(s, secret, "[removed]")
	}
	s = bounded(s, maxText)
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// bounded cuts at a character, not within one.
func bounded(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}
