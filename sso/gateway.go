package sso

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// Options are everything a Gateway stands on. All fields are required unless they name a default.
type Options struct {
	PublicURL    *url.URL // scheme and host under which browsers reach us; no path
	ProviderName string   // of the AuthnRequest
	Directory    *directory.Directory
	State        session.State
	Prefix       string // of every key in State
	Sessions     *session.Manager
	Binding      session.Binding
	Outbound     Outgoing
	Attempts     *audit.Recorder
	Services     []directory.Service // of the configuration; those of the directory are added
	Metrics      prometheus.Registerer
	Log          *slog.Logger
	Now          func() time.Time

	Absolute      time.Duration // session length without one from the identity provider: web
	AppAbsolute   time.Duration // and for apps
	Idle          time.Duration
	LoginWindow   time.Duration // how long an answer is awaited
	MetadataValid time.Duration
	SignMetadata  bool
	// Fresh is how old the view of a domain (settings, connection, keys) may be; 0 reads it at every request.
	Fresh time.Duration

	LoginsPerAddress, LoginsPerDomain, AnswersPerAddress int // per minute, 0 means no limit
}

// Outgoing makes the clients that call addresses which a customer typed, each for the domain named by key. They guard the
// network: what may not be dialled is an error of the call. ForMetadata follows redirects, For does not.
type Outgoing interface {
	For(key string) *http.Client
	ForMetadata(key string) *http.Client
}

// Gateway is the login. Make it with New, hang it into a mux with Routes.
type Gateway struct {
	o       Options
	logins  session.Logins
	marks   session.Marks
	limits  session.Limits
	store   *session.Store
	views   *views
	keys    *Keys
	metrics *metrics
	// verifying are the places for SAML responses under verification, twice the processors (security.md section 1.3).
	verifying chan struct{}
}

// New builds a Gateway over its options.
func New(o Options) *Gateway {
	g := &Gateway{
		o:       o,
		logins:  session.Logins{State: o.State, Prefix: o.Prefix},
		marks:   session.Marks{State: o.State, Prefix: o.Prefix, Now: o.Now},
		limits:  session.Limits{State: o.State, Prefix: o.Prefix},
		store:   session.NewStore(o.Sessions),
		keys:    &Keys{Directory: o.Directory, Now: o.Now},
		metrics: newMetrics(o.Metrics),

		verifying: make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
	}
	g.views = newViews(g)
	return g
}

// Routes registers every route of the login with its guard.
func (g *Gateway) Routes(m *web.Mux) {
	const form = 1 << 20 // a 512 KiB response in base64, and the RelayState
	m.Handle("GET /{$}", web.Public, 0, g.home)
	m.Handle("GET /login", web.Public, 0, g.askAccount)
	m.Handle("GET /d/login/{domain}", web.Public, 0, g.login)
	m.Handle("GET /d/login/{domain}/{$}", web.Public, 0, g.login)
	m.Handle("POST /acs/{domain}", web.CrossSitePost, form, g.acs)
	m.Handle("POST /acs/{domain}/continue", web.SameOrigin, 0, g.proceed)
	m.Handle("GET /oauth/{domain}/callback", web.Public, 0, g.oauthCallback)
	m.Handle("GET /saml/{domain}/metadata", web.Public, 0, g.spMetadata)
	m.Handle("GET /d/logout/{domain}", web.Public, 0, g.logoutPage)
	m.Handle("POST /d/logout/{domain}", web.SameOrigin, 0, g.logout)
	m.Handle("POST /login/check/{sessionKey}", web.CrossSitePost, 0, g.checkApp)
}

// accessHosts are the entries of every service, configured or stored.
func (g *Gateway) accessHosts(ctx context.Context) ([]string, error) {
	stored, err := g.views.services(ctx)
	if err != nil {
		return nil, err
	}
	var entries []string
	for _, s := range g.o.Services {
		entries = append(entries, s.AccessHosts...)
	}
	for _, s := range stored {
		entries = append(entries, s.AccessHosts...)
	}
	return entries, nil
}

// address builds an absolute address of ours. Nothing is ever built from a Host header.
func (g *Gateway) address(parts ...string) string { return g.o.PublicURL.JoinPath(parts...).String() }

func (g *Gateway) acsURL(domain string) string      { return g.address("acs", domain) }
func (g *Gateway) entityID(domain string) string    { return g.address("saml", domain, "metadata") }
func (g *Gateway) callbackURL(domain string) string { return g.address("oauth", domain, "callback") }
