package directory

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	scopeForm = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,256}$`) // RFC 6749 3.3, scope-token
	uuidForm  = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// entraTemplate stands in the issuer of Microsoft Entra's multi-tenant endpoints for the tenant of the person.
const entraTemplate = "{tenantid}"

const (
	nameIDUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	nameIDTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
)

// nameIDFormats of SAML Core 8.3.
func nameIDFormats() []string {
	return []string{"", nameIDUnspecified, nameIDTransient,
		"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
		"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
		"urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
		"urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
		"urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
		"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
	}
}

// checkConnection lists everything wrong with a connection, and fills in the defaults of what is empty.
func (d *Directory) checkConnection(c *Connection) Faults {
	var f Faults
	switch c.Type {
	case SAML:
		if c.OAuth != nil {
			f.add("oauth", FaultMismatch, "the type is saml")
		}
		if c.SAML == nil {
			f.add("saml", FaultRequired, "required for the type saml")
		} else {
			d.checkSAML(&f, c.SAML)
		}
	case OAuth:
		if c.SAML != nil {
			f.add("saml", FaultMismatch, "the type is oauth")
		}
		if c.OAuth == nil {
			f.add("oauth", FaultRequired, "required for the type oauth")
		} else {
			checkOAuth(&f, c.OAuth)
		}
	default:
		f.add("type", FaultUnknown, "want saml or oauth")
	}
	return f
}

func (d *Directory) checkSAML(f *Faults, s *SAMLSettings) {
	if s.Binding == "" {
		s.Binding = BindingRedirect
	}
	if s.MetadataKeys == "" {
		s.MetadataKeys = KeysAdd
	}
	s.Certificates = cleanCertificates(s.Certificates, "saml.certificates", f)
	if s.MetadataURL == "" { // everything must be here that metadata would bring
		required(f, "saml.entity_id", s.EntityID)
		required(f, "saml.sso_url", s.SSOURL)
	}
	if len(s.Certificates) == 0 && (s.MetadataURL == "" || s.MetadataKeys == KeysPin) && !f.has("saml.certificates") {
		f.add("saml.certificates", FaultRequired, "at least one certificate")
	}
	checkText(f, "saml.entity_id", s.EntityID, 1024) // SAML Core 8.3.6
	if strings.ContainsAny(s.EntityID, " \u3000") {
		f.add("saml.entity_id", FaultPattern, "spaces are not allowed")
	}
	checkURLs(f, []namedURL{{"saml.sso_url", s.SSOURL}, {"saml.app_sso_url", s.AppSSOURL}, {"saml.metadata_url", s.MetadataURL},
		{"saml.logout_url", s.LogoutURL}})
	if !isOneOf(s.Binding, BindingRedirect, BindingPOST) {
		f.add("saml.binding", FaultUnknown, "want redirect or post")
	}
	if !isOneOf(s.MetadataKeys, KeysAdd, KeysFollow, KeysPin) {
		f.add("saml.metadata_keys", FaultUnknown, "want add, follow or pin")
	}
	if !isOneOf(s.NameIDFormat, nameIDFormats()...) {
		f.add("saml.name_id_format", FaultUnknown, "want a NameID format of SAML Core 8.3, or nothing")
	}
	if s.NameIDFormat == nameIDTransient && s.UserKeyAttribute == "" {
		f.add("saml.user_key_attribute", FaultRequired, "a transient NameID names nobody: say which attribute is the user key")
	}
	checkText(f, "saml.user_key_attribute", s.UserKeyAttribute, mostText)
	checkText(f, "saml.email_attribute", s.EmailAttribute, mostText)
	checkNames(f, "saml.name_attributes", s.NameAttributes)
	if s.InsecureSHA1Until.After(d.now().Add(366 * 24 * time.Hour)) {
		f.add("saml.insecure_sha1_until", FaultRange, "at most one year from now")
	}
	if !s.InsecureSHA1Until.IsZero() {
		s.InsecureSHA1Until = s.InsecureSHA1Until.UTC()
	}
}

func checkOAuth(f *Faults, o *OAuthSettings) {
	required(f, "oauth.client_id", o.ClientID)
	checkText(f, "oauth.client_id", o.ClientID, 512)
	checkText(f, "oauth.client_secret", o.ClientSecret, 2048)
	switch o.Profile {
	case ProfileWorks:
		required(f, "oauth.client_secret", o.ClientSecret)
		required(f, "oauth.auth_url", o.AuthURL)
		required(f, "oauth.token_url", o.TokenURL)
		required(f, "oauth.user_info_url", o.UserInfoURL)
	case ProfileOAuth2:
		required(f, "oauth.auth_url", o.AuthURL)
		required(f, "oauth.token_url", o.TokenURL)
		required(f, "oauth.user_info_url", o.UserInfoURL)
	case ProfileOIDC:
		checkOIDC(f, o)
	default:
		f.add("oauth.profile", FaultUnknown, "want works, oauth2 or oidc")
	}
	checkURLs(f, []namedURL{{"oauth.auth_url", o.AuthURL}, {"oauth.app_auth_url", o.AppAuthURL}, {"oauth.token_url", o.TokenURL},
		{"oauth.user_info_url", o.UserInfoURL}, {"oauth.jwks_url", o.JWKSURL}, {"oauth.logout_url", o.LogoutURL}})
	checkScopes(f, o.Scopes)
	if !isOneOf(o.AuthStyle, "", "basic", "form") {
		f.add("oauth.auth_style", FaultUnknown, "want basic or form")
	}
	checkText(f, "oauth.user_key_claim", o.UserKeyClaim, mostText)
	checkText(f, "oauth.email_claim", o.EmailClaim, mostText)
	checkNames(f, "oauth.name_claims", o.NameClaims)
	checkOnlyOIDC(f, o)
}

// checkOIDC: OpenID Connect Discovery 4.3 makes the issuer the anchor; without discovery all three endpoints are needed.
func checkOIDC(f *Faults, o *OAuthSettings) {
	required(f, "oauth.issuer", o.Issuer)
	if o.Issuer != "" {
		issuer := strings.Replace(o.Issuer, entraTemplate, "common", 1)
		checkURL(f, "oauth.issuer", issuer)
		if u, err := url.Parse(issuer); err == nil && (u.RawQuery != "" || u.ForceQuery) {
			f.add("oauth.issuer", FaultURL, "an issuer has no query")
		}
	}
	if strings.Contains(o.Issuer, entraTemplate) && len(o.EntraTenants) == 0 {
		f.add("oauth.entra_tenants", FaultRequired, "required when the issuer is a template, or every tenant could sign in")
	}
	if o.JWKSURL != "" {
		required(f, "oauth.auth_url", o.AuthURL)
		required(f, "oauth.token_url", o.TokenURL)
	}
	for i, a := range o.Algorithms {
		if !isOneOf(a, "RS256", "PS256", "ES256", "EdDSA") {
			f.add("oauth.algorithms["+strconv.Itoa(i)+"]", FaultUnknown, "want RS256, PS256, ES256 or EdDSA")
		}
	}
	for i, t := range o.EntraTenants {
		if !uuidForm.MatchString(t) {
			f.add("oauth.entra_tenants["+strconv.Itoa(i)+"]", FaultPattern, "want a tenant ID such as 72f988bf-86f1-41af-91ab-2d7cd011db47")
		}
	}
}

// checkOnlyOIDC refuses settings that the other profiles would silently not honour.
func checkOnlyOIDC(f *Faults, o *OAuthSettings) {
	if o.Profile == ProfileOIDC || !isOneOf(o.Profile, ProfileWorks, ProfileOAuth2) {
		return
	}
	for _, s := range []struct {
		field string
		set   bool
	}{
		{"oauth.issuer", o.Issuer != "" && o.Profile == ProfileWorks}, {"oauth.jwks_url", o.JWKSURL != ""},
		{"oauth.algorithms", len(o.Algorithms) > 0}, {"oauth.entra_tenants", len(o.EntraTenants) > 0},
	} {
		if s.set {
			f.add(s.field, FaultMismatch, "only for the profile oidc")
		}
	}
}

func checkScopes(f *Faults, scopes []string) {
	if len(scopes) > 32 {
		f.add("oauth.scopes", FaultTooLong, "at most 32 scopes")
		return
	}
	for i, s := range scopes {
		if !scopeForm.MatchString(s) || slices.Index(scopes, s) < i {
			f.add("oauth.scopes["+strconv.Itoa(i)+"]", FaultPattern, "want a scope once, of printable characters without spaces")
		}
	}
}

func checkNames(f *Faults, field string, names []string) {
	if len(names) > 2 {
		f.add(field, FaultTooLong, "want the family name's and the given name's")
	}
	for i, n := range names {
		required(f, field+"["+strconv.Itoa(i)+"]", n)
		checkText(f, field+"["+strconv.Itoa(i)+"]", n, mostText)
	}
}

type namedURL struct{ field, value string }

func checkURLs(f *Faults, urls []namedURL) {
	for _, u := range urls {
		if u.value != "" {
			checkURL(f, u.field, u.value)
		}
	}
}

func required(f *Faults, field, value string) {
	if value == "" {
		f.add(field, FaultRequired, "required")
	}
}
