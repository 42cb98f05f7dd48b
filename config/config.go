// Package config is what the operator sets: a YAML file, overridden by environment variables, with secrets by file. It is
// typed and strict: unknown keys and all faults are reported at once with their lines. See describe.go for the reference.
package config

import (
	"net/netip"
	"net/url"
	"time"
)

// Config is the whole configuration after loading: parsed, defaulted and validated. The struct that mirrors the YAML (with
// names, defaults and documentation as tags) is private to this package.
type Config struct {
	PublicURL      *url.URL // public_url
	Listen         string   // listen, default 127.0.0.1:8080
	OperatorListen string   // operator_listen: /metrics, /healthz, /readyz; default 127.0.0.1:9090, "off" for none
	ExtraHosts     []string // extra_hosts
	TrustedProxies []netip.Prefix
	DataDir        string // data_dir, default ./ssogate-data

	Database Database
	Redis    Redis
	Keys     Keys
	Session  Session
	Outbound Outbound
	SAML     SAML
	Limits   Limits
	Log      Log
	Identity Identity
	Services []Service // services
}

// Database is where the directory is kept. URL "sqlite:<path>" (default <data_dir>/directory.db) or "postgres://…".
type Database struct {
	URL      string
	MaxConns int
}

// Redis is the session state. Mode is embedded (default, file <data_dir>/state.db), single, sentinel or cluster.
type Redis struct {
	Mode             string
	Addresses        []string
	Master           string // sentinel
	Username         string
	Password         string
	SentinelPassword string
	DB               int
	TLS              bool
	CAFile           string
	Prefix           string // default ssogate
	ClientCache      bool   // only with mode single
}

// Keys seal secrets at rest: 32 bytes each, base64, by file or environment. Without one, <data_dir>/master.key is made at
// the first start (mode 0600) and the log says so.
type Keys struct {
	Current  string   // base64 of 32 bytes
	Previous []string // still open what they sealed
}

// Session limits and cookies.
type Session struct {
	Absolute     time.Duration // default 24h: desktop web browser
	AppAbsolute  time.Duration // default 720h: mobile and desktop app
	Idle         time.Duration // default 8h
	LoginWindow  time.Duration // default 30m, 10m to 30m
	CookieDomain string
	// InsecureCookies is only accepted when public_url is http on a loopback host.
	InsecureCookies bool
}

// Outbound bounds calls to addresses that customers type.
type Outbound struct {
	AllowNetworks []netip.Prefix
	AllowHTTP     bool
	AllowPorts    []int
	Proxy         string
	CAFile        string
}

// SAML holds what is the same for all domains.
type SAML struct {
	ProviderName    string        // default "ssogate"
	MetadataRefresh time.Duration // default 1h
	MetadataValid   time.Duration // validUntil of our metadata, default 168h
	SignMetadata    bool          // default false
}

// Limits of rates, per minute, 0 turns one off.
type Limits struct {
	LoginsPerAddress  int           // default 1000
	LoginsPerDomain   int           // default 6000
	AnswersPerAddress int           // ACS and callbacks, default 1000
	DrainWait         time.Duration // default 0s
	Drain             time.Duration // default 20s
}

// Log is format text or json (default json) and level debug, info, warn or error (default info).
type Log struct{ Format, Level string }

// Identity is what services are told by /auth/verify.
type Identity struct {
	JWT      bool          // also a signed header
	JWTLife  time.Duration // default 2m
	Audience string        // of the JWT, default the public URL
}

// Service is an application with its allowed access hosts; those stored by "ssogate apply" are added.
type Service struct {
	Name        string
	AccessHosts []string
}

// Load reads the file (path "" means embedded defaults), overlays environ (SSOGATE_SECTION_KEY, SSOGATE_SECTION_KEY_FILE)
// and validates everything. The error is a Faults with every fault found.
func Load(path string, environ []string) (*Config, error) { return load(path, environ) }
