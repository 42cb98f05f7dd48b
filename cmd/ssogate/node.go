package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/config"
	"github.com/ssogate/ssogate/credential"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/outbound"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/store"
)

// node is one process's grip on an installation: its configuration, its directory and what makes outgoing calls.
type node struct {
	conf      *config.Config
	log       *slog.Logger
	store     *store.Store
	directory *directory.Directory
	outbound  *outbound.Client
	now       func() time.Time
}

// Patience with the database: people who sign in get a 503 at once, an operator at the command line rather waits.
var (
	forPeople   = store.Options{} // the store's own limits
	forCommands = store.Options{QueryTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
)

// openNode opens the directory of the configuration. Close it.
func openNode(ctx context.Context, conf *config.Config, patience store.Options, log *slog.Logger) (*node, error) {
	current, err := masterKey(conf, log)
	if err != nil {
		return nil, err
	}
	box, err := credential.NewBox(current, conf.Keys.Previous...)
	if err != nil {
		return nil, err
	}
	patience.MaxConns = conf.Database.MaxConns
	s, err := store.Open(ctx, conf.Database.URL, box, patience)
	if err != nil {
		return nil, err
	}
	n := &node{conf: conf, log: log, store: s, now: time.Now}
	n.directory = &directory.Directory{Store: s, Audit: s, Now: n.now}
	if n.outbound, err = n.openOutbound(); err != nil {
		s.Close()
		return nil, err
	}
	return n, nil
}

func (n *node) openOutbound() (*outbound.Client, error) {
	o := outbound.Options{
		AllowNetworks: n.conf.Outbound.AllowNetworks, AllowHTTP: n.conf.Outbound.AllowHTTP, AllowPorts: n.conf.Outbound.AllowPorts,
		Proxy: n.conf.Outbound.Proxy, UserAgent: "ssogate/" + version, Now: n.now,
	}
	if path := n.conf.Outbound.CAFile; path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("outbound.ca_file: %w", err)
		}
		o.RootCAs = pem
	}
	return outbound.New(o)
}

func (n *node) statePath() string { return filepath.Join(n.conf.DataDir, "state.db") }

// openState opens the session state as the process that serves it.
func (n *node) openState(ctx context.Context) (session.State, error) {
	if n.conf.Redis.Mode == "embedded" {
		return session.OpenEmbedded(n.statePath(), n.now)
	}
	keep := ""
	if n.conf.Redis.ClientCache {
		keep = n.conf.Redis.Prefix + ":{" // of all keys of a domain
	}
	return n.openRedis(ctx, keep)
}

// openSharedState opens it for one command, while the gateway may be running.
func (n *node) openSharedState(ctx context.Context) (session.State, error) {
	if n.conf.Redis.Mode == "embedded" {
		return session.OpenBeside(n.statePath(), n.now)
	}
	return n.openRedis(ctx, "")
}

func (n *node) openRedis(ctx context.Context, keep string) (session.State, error) {
	r := n.conf.Redis
	return session.OpenRedis(ctx, session.RedisOptions{
		Mode: r.Mode, Addresses: r.Addresses, Master: r.Master, Username: r.Username, Password: r.Password,
		SentinelPassword: r.SentinelPassword, DB: r.DB, TLS: r.TLS, CAFile: r.CAFile, KeepPrefix: keep, Now: n.now, Log: n.log,
	})
}

func (n *node) sessions(state session.State) *session.Manager {
	return session.NewManager(session.Options{
		State: state, Prefix: n.conf.Redis.Prefix, CookieDomain: n.conf.Session.CookieDomain,
		InsecureCookies: n.conf.Session.InsecureCookies, Log: n.log, Now: n.now,
	})
}

// gateway wires the login over a state.
func (n *node) gateway(state session.State, sessions *session.Manager, attempts *audit.Recorder, metrics prometheus.Registerer) *sso.Gateway {
	c := n.conf
	services := make([]directory.Service, 0, len(c.Services))
	for _, s := range c.Services {
		services = append(services, directory.Service{Name: s.Name, AccessHosts: s.AccessHosts})
	}
	return sso.New(sso.Options{
		PublicURL: c.PublicURL, ProviderName: c.SAML.ProviderName, Directory: n.directory,
		State: state, Prefix: c.Redis.Prefix, Sessions: sessions, Binding: session.Binding{InsecureCookies: c.Session.InsecureCookies},
		Outbound: n.outbound, Attempts: attempts, Services: services, Metrics: metrics, Log: n.log, Now: n.now,
		Absolute: c.Session.Absolute, AppAbsolute: c.Session.AppAbsolute, Idle: c.Session.Idle, LoginWindow: c.Session.LoginWindow,
		MetadataValid: c.SAML.MetadataValid, SignMetadata: c.SAML.SignMetadata, Fresh: time.Second,
		LoginsPerAddress: c.Limits.LoginsPerAddress, LoginsPerDomain: c.Limits.LoginsPerDomain, AnswersPerAddress: c.Limits.AnswersPerAddress,
	})
}

func (n *node) keys() *sso.Keys { return &sso.Keys{Directory: n.directory, Now: n.now} }

func (n *node) refresher() *sso.Refresher {
	return &sso.Refresher{Directory: n.directory, Outbound: n.outbound, Log: n.log, Now: n.now}
}

// Close gives the directory back.
func (n *node) Close() {
	n.outbound.Close()
	n.store.Close()
}

// vet refuses addresses that the gateway itself would have to call and may not, so that a mistake shows when a connection is
// stored and not when somebody signs in. Addresses that only browsers visit are not its matter.
func (n *node) vet(c *directory.WantedConnection) error {
	called := map[string]string{}
	if c != nil && c.SAML != nil {
		called["saml.metadata_url"] = c.SAML.MetadataURL
	}
	if c != nil && c.OAuth != nil {
		called["oauth.issuer"], called["oauth.token_url"] = c.OAuth.Issuer, c.OAuth.TokenURL
		called["oauth.user_info_url"], called["oauth.jwks_url"] = c.OAuth.UserInfoURL, c.OAuth.JWKSURL
	}
	var faults []error
	for _, field := range slices.Sorted(maps.Keys(called)) {
		if called[field] == "" {
			continue
		}
		if err := n.outbound.Vet(called[field]); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w; see the outbound section of the configuration", field, err))
		}
	}
	return errors.Join(faults...)
}

// newLog writes to w as the configuration says.
func newLog(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
