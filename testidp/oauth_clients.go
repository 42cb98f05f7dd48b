package testidp

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Profile is which contract a client speaks.
type Profile string

// The three contracts.
const (
	ProfileOIDC   Profile = "oidc" // the default
	ProfileOAuth2 Profile = "oauth2"
	ProfileWorks  Profile = "works" // the seed's: no state, no PKCE, user_id from a POST
)

// OAuthClient is a service that may ask. A works client's redirect URIs are prefixes, because its state travels inside.
type OAuthClient struct {
	ID, Secret   string
	RedirectURIs []string
	Profile      Profile
}

// AddClient adds a client, or replaces the one with that ID.
func (p *Provider) AddClient(c OAuthClient) error {
	if c.ID == "" || len(c.RedirectURIs) == 0 {
		return errors.New("testidp: a client needs an ID and a redirect URI")
	}
	if c.Profile == "" {
		c.Profile = ProfileOIDC
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[c.ID] = c
	return nil
}

func (p *Provider) client(id string) (OAuthClient, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.clients[id]
	return c, ok
}

func (c OAuthClient) mayReturnTo(uri string) bool {
	if c.Profile == ProfileWorks {
		return slices.ContainsFunc(c.RedirectURIs, func(prefix string) bool { return strings.HasPrefix(uri, prefix) })
	}
	return slices.Contains(c.RedirectURIs, uri) // RFC 9700 section 2.1: exact
}

// authenticate finds the client of a back-channel request by Basic or form (RFC 6749 section 2.3.1), never both.
func (p *Provider) authenticate(r *http.Request) (OAuthClient, bool) {
	_, style, _ := p.settings()
	id, secret, basic := r.BasicAuth()
	if basic {
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		if errID != nil || errSecret != nil || style.ClientAuth == "post" || r.PostForm.Has("client_secret") {
			return OAuthClient{}, false
		}
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		if style.ClientAuth == "basic" {
			return OAuthClient{}, false
		}
	}
	c, ok := p.client(id)
	return c, ok && secret == c.Secret && secret != ""
}

// grant is what a code, and then a token, stands for.
type grant struct {
	client      string
	redirectURI string
	nonce       string
	challenge   string
	scope       string
	person      Person
	authn       time.Time
	expires     time.Time // of the code, later of the token
	used        bool
	token       string // issued for the code
	revoked     bool
}
