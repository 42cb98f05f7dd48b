package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

// tenantTemplate is what Entra writes in place of the tenant where one application serves several directories.
const tenantTemplate = "{tenantid}"

// endpoints are the configured ones, or for oidc without them those of the discovery document.
func (c *client) endpoints(ctx context.Context, t *trail) (endpoints, error) {
	if c.cfg.Profile != "oidc" || c.cfg.TokenURL != "" {
		return endpoints{issuer: c.cfg.Issuer, auth: c.cfg.AuthURL, token: c.cfg.TokenURL, userInfo: c.cfg.UserInfoURL, keys: c.cfg.JWKSURL}, nil
	}
	e, err := c.found.load(ctx, c.cfg.Now(), false, c.discover)
	if err != nil {
		return endpoints{}, c.discoveryFault(t, err)
	}
	return e, nil
}

// discover is OpenID Connect Discovery 4. The issuer must be, byte for byte, the configured one (4.3).
func (c *client) discover(ctx context.Context) (endpoints, error) {
	ctx = oidc.ClientContext(ctx, c.http)
	at, want := c.issuerAddress()
	if at != want {
		ctx = oidc.InsecureIssuerURLContext(ctx, want) // compared below, against the template
	}
	p, err := oidc.NewProvider(ctx, at)
	if err != nil {
		return endpoints{}, err
	}
	var raw json.RawMessage
	if err := p.Claims(&raw); err != nil {
		return endpoints{}, err
	}
	o, err := parseObject(raw)
	if err != nil {
		return endpoints{}, err
	}
	if got := o.text("issuer"); got != want {
		return endpoints{}, &oidc.IssuerMismatchError{Provided: want, Discovered: got}
	}
	return c.readDiscovery(o)
}

// issuerAddress is where the document lies and which issuer it must name. With pinned Entra tenants the document of
// "organizations" or "common" names the template.
func (c *client) issuerAddress() (at, want string) {
	issuer := c.cfg.Issuer
	if len(c.cfg.EntraTenants) == 0 {
		return issuer, issuer
	}
	for _, word := range []string{"organizations", "common"} {
		if strings.Contains(issuer, "/"+word+"/") {
			return issuer, strings.Replace(issuer, "/"+word+"/", "/"+tenantTemplate+"/", 1)
		}
	}
	return strings.Replace(issuer, tenantTemplate, "organizations", 1), issuer
}

func (c *client) readDiscovery(o object) (endpoints, error) {
	algorithms, _ := o.texts("id_token_signing_alg_values_supported")
	e := endpoints{
		issuer: o.text("issuer"), auth: o.text("authorization_endpoint"), token: o.text("token_endpoint"),
		userInfo: o.text("userinfo_endpoint"), keys: o.text("jwks_uri"), algorithms: algorithms,
		announces: o["authorization_response_iss_parameter_supported"] == true,
	}
	if c.cfg.UserInfoURL != "" {
		e.userInfo = c.cfg.UserInfoURL
	}
	for _, raw := range []string{e.auth, e.token, e.keys} {
		if !c.acceptable(raw) {
			return endpoints{}, errEndpoint
		}
	}
	if (e.userInfo != "" && !c.acceptable(e.userInfo)) || reserved(e.auth) != "" {
		return endpoints{}, errEndpoint
	}
	return e, nil
}

var errEndpoint = errors.New("oauth: an endpoint is missing or not https")

// acceptable is https, or http where the issuer itself is (which only the operator's allow-list of networks makes reachable).
func (c *client) acceptable(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && absolute(raw) && (u.Scheme == "https" || strings.HasPrefix(c.cfg.Issuer, "http:"))
}

func (c *client) discoveryFault(t *trail, err error) error {
	const section = "OpenID Connect Discovery 4.3"
	var mismatch *oidc.IssuerMismatchError
	var network *url.Error
	switch {
	case errors.As(err, &mismatch):
		return t.refuse("discovery issuer", Refusal{Code: codeIssuer, Section: section, Want: mismatch.Provided, Got: mismatch.Discovered, Fix: AtConnection})
	case errors.As(err, &network), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return t.refuse("discovery", unreachable("the discovery document", err))
	case errors.Is(err, errEndpoint):
		return t.refuse("discovery", Refusal{Code: codeDiscovery, Section: section, Want: "https endpoints for authorization, token and keys", Got: "one is missing or is not", Fix: AtIdentityProvider})
	default: // the error may quote the body, so it goes no further
		return t.refuse("discovery", Refusal{Code: codeDiscovery, Section: section, Want: "HTTP 200 with one JSON document", Got: "something else", Fix: AtIdentityProvider})
	}
}

// matchesIssuer compares exactly, or against the template with one of the pinned tenants in its place.
func (c *client) matchesIssuer(want, got string) bool {
	if !strings.Contains(want, tenantTemplate) {
		return got == want
	}
	return slices.ContainsFunc(c.cfg.EntraTenants, func(tid string) bool {
		return got == strings.Replace(want, tenantTemplate, tid, 1)
	})
}
