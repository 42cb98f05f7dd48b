package sso

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/oauth"
)

// oauthConnector speaks one of the three OAuth profiles through the room oauth.
type oauthConnector struct {
	client      *oauth.Client
	redirectURI string
	asked       map[string]string
	logoutURL   string
	forApps     bool // the connection has an Application Login URL
	now         func() time.Time
}

func (g *Gateway) openOAuth(d directory.Domain, s *directory.OAuthSettings) (Connector, error) {
	client, err := OpenOAuth(s, g.o.Outbound.For(d.ID), g.o.Now)
	if err != nil {
		return nil, err
	}
	return &oauthConnector{
		client: client, redirectURI: g.callbackURL(d.Name), now: g.o.Now, logoutURL: s.LogoutURL,
		forApps: s.Profile == directory.ProfileWorks && s.AppAuthURL != "",
		asked:   map[string]string{"client_id": s.ClientID, "profile": string(s.Profile)},
	}, nil
}

// OpenOAuth opens the provider that a connection describes, over a guarded HTTP client.
func OpenOAuth(s *directory.OAuthSettings, client *http.Client, now func() time.Time) (*oauth.Client, error) {
	return oauth.Open(oauth.Config{
		Profile: string(s.Profile), ClientID: s.ClientID, ClientSecret: s.ClientSecret, Issuer: s.Issuer,
		AuthURL: s.AuthURL, AppAuthURL: s.AppAuthURL, TokenURL: s.TokenURL, UserInfoURL: s.UserInfoURL, JWKSURL: s.JWKSURL,
		Scopes: s.Scopes, AuthStyle: s.AuthStyle, UserKeyClaim: s.UserKeyClaim, EmailClaim: s.EmailClaim,
		NameClaims: s.NameClaims, Algorithms: s.Algorithms, EntraTenants: s.EntraTenants,
		HTTP: client, Now: now,
	})
}

// Begin sends the browser to the provider's authorization endpoint (RFC 6749 4.1.1).
func (c *oauthConnector) Begin(ctx context.Context, s Start) (Departure, error) {
	if s.App && !c.forApps { // the longer session of an app is something that the administrator set up
		return Departure{}, &Refusal{Code: "oauth_no_app_login", Section: "line-works.md 2.2", Want: "an Application Login URL", Got: "none", Fix: audit.FixDomainAdmin}
	}
	location, secrets, err := c.client.Begin(ctx, oauth.Start{
		RedirectURI: c.redirectURI, State: s.Handle, Hint: s.Hint, App: s.App, SessionKey: s.SessionKey,
	})
	if err != nil {
		return Departure{}, oauthRefusal(err, nil)
	}
	asked := maps.Clone(c.asked)
	asked["endpoint"], asked["redirect_uri"] = WithoutQuery(location), c.redirectURI
	if s.Hint != "" {
		asked["hint"] = s.Hint
	}
	return Departure{Location: location, Secrets: secrets, Asked: asked}, nil
}

// Finish exchanges the code for claims (RFC 6749 4.1.3).
func (c *oauthConnector) Finish(ctx context.Context, r Return) (Identity, error) {
	if name := repeated(r.Values); name != "" { // RFC 6749 3.1: parameters must not be included more than once
		return Identity{}, &Refusal{Code: "oauth_parameter_repeated", Section: "RFC 6749 3.1", Want: "once", Got: name, Fix: audit.FixIdentityProvider}
	}
	claims, checks, err := c.client.Finish(ctx, oauth.Answer{
		Code: r.Values.Get("code"), State: r.Values.Get("state"), Issuer: r.Values.Get("iss"),
		Error: r.Values.Get("error"), ErrorDescription: r.Values.Get("error_description"),
	}, r.Secrets)
	if err != nil {
		return Identity{}, oauthRefusal(err, checks)
	}
	id := Identity{
		Person: directory.Person{UserKey: claims.UserKey, Email: claims.Email, FamilyName: claims.FamilyName, GivenName: claims.GivenName},
		Claims: claims.Attributes, Checks: oauthChecks(checks),
		Issuer: claims.Issuer, NameID: claims.Subject, Session: claims.SessionID,
	}
	if claims.ExpiresIn > 0 {
		id.Expires = c.now().Add(claims.ExpiresIn)
	}
	return id, nil
}

func repeated(v url.Values) string {
	for name, values := range v {
		if len(values) > 1 {
			return name
		}
	}
	return ""
}

func oauthRefusal(err error, checks []oauth.Check) error {
	var o *oauth.Refusal
	if !errors.As(err, &o) {
		return &Refusal{Code: "oauth_internal", Fix: audit.FixOperator, Checks: oauthChecks(checks), Err: err}
	}
	return &Refusal{
		Code: o.Code, Section: o.Section, Want: o.Want, Got: o.Got, Fix: audit.Fixer(o.Fix), Checks: oauthChecks(checks), Err: err,
	}
}

func oauthChecks(in []oauth.Check) []audit.Check {
	out := make([]audit.Check, len(in))
	for i, c := range in {
		out[i] = audit.Check(c)
	}
	return out
}
