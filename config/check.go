package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (l *loader) redis(c *Config) {
	f := l.file.Redis
	c.Redis = Redis{
		Mode: l.oneOf("redis.mode", f.Mode, "embedded", "single", "sentinel", "cluster"), Addresses: f.Addresses, Master: f.Master,
		Username: f.Username, Password: f.Password, SentinelPassword: f.SentinelPassword, DB: l.number("redis.db", f.DB, 0, 15),
		TLS: f.TLS, CAFile: l.readable("redis.ca_file", f.CAFile), Prefix: f.Prefix, ClientCache: f.ClientCache,
	}
	if !simpleName.MatchString(f.Prefix) {
		l.fault("redis.prefix", "want letters, digits, -, _ and . (at most 64)")
	}
	for i, a := range f.Addresses {
		if host, port, err := net.SplitHostPort(a); err != nil || host == "" || !hostPort.MatchString(a) || !validPort(port) {
			l.fault(item("redis.addresses", i), "want host:port")
		}
	}
	if !slices.ContainsFunc(l.faults, func(f Fault) bool { return f.Path == "redis.mode" || f.Path == "SSOGATE_REDIS_MODE" }) {
		l.redisMode(f)
	}
}

// redisMode checks what belongs to which mode: a setting that would be ignored is one that somebody relies on.
func (l *loader) redisMode(f redisFile) {
	n := len(f.Addresses)
	switch {
	case f.Mode == "embedded" && n > 0:
		l.fault("redis.addresses", "mode embedded has no server: set redis.mode to single, sentinel or cluster")
	case f.Mode == "single" && n != 1:
		l.fault("redis.addresses", "mode single wants one address")
	case (f.Mode == "sentinel" || f.Mode == "cluster") && n == 0:
		l.fault("redis.addresses", "mode %s wants at least one address", f.Mode)
	}
	if f.Mode == "sentinel" && f.Master == "" {
		l.fault("redis.master", "mode sentinel wants the name of the master")
	}
	if f.Mode != "sentinel" && f.Master != "" {
		l.fault("redis.master", "only with mode sentinel")
	}
	if f.Mode != "sentinel" && f.SentinelPassword != "" {
		l.fault("redis.sentinel_password", "only with mode sentinel")
	}
	if f.Mode == "cluster" && f.DB != 0 {
		l.fault("redis.db", "a cluster only has database 0")
	}
	if f.Mode != "single" && f.ClientCache {
		l.fault("redis.client_cache", "only with mode single")
	}
	if f.CAFile != "" && !f.TLS {
		l.fault("redis.ca_file", "only with tls: true")
	}
	if f.Mode != "embedded" {
		return
	}
	for _, given := range []struct {
		path string
		is   bool
	}{{"redis.username", f.Username != ""}, {"redis.password", f.Password != ""}, {"redis.db", f.DB != 0}, {"redis.tls", f.TLS}} {
		if given.is {
			l.fault(given.path, "not with mode embedded")
		}
	}
}

func (l *loader) session(c *Config) {
	f := l.file.Session
	const year = 8760 * time.Hour
	c.Session = Session{
		Absolute:    l.duration("session.absolute", f.Absolute, 5*time.Minute, year),
		AppAbsolute: l.duration("session.app_absolute", f.AppAbsolute, 5*time.Minute, year),
		Idle:        l.duration("session.idle", f.Idle, time.Minute, year),
		// DESIGN.md: the record of a login under way lives 10 to 30 minutes.
		LoginWindow:  l.duration("session.login_window", f.LoginWindow, 10*time.Minute, 30*time.Minute),
		CookieDomain: strings.TrimPrefix(strings.ToLower(f.CookieDomain), "."), InsecureCookies: f.InsecureCookies,
	}
	if c.Session.Idle > max(c.Session.Absolute, c.Session.AppAbsolute) {
		l.fault("session.idle", "longer than session.absolute and session.app_absolute")
	}
	host := c.PublicURL.Hostname()
	if c.Session.InsecureCookies && (c.PublicURL.Scheme != "http" || !loopback(host)) {
		l.fault("session.insecure_cookies", "only with an http public_url on a loopback host")
	}
	if domain := c.Session.CookieDomain; domain != "" && host != "invalid" {
		_, err := netip.ParseAddr(host)
		if err == nil || !strings.Contains(domain, ".") || domain != host && !strings.HasSuffix(host, "."+domain) {
			l.fault("session.cookie_domain", "want the host of public_url or a name above it, such as example.com for sso.example.com")
		}
	}
}

func (l *loader) outbound(c *Config) {
	f := l.file.Outbound
	c.Outbound = Outbound{
		AllowNetworks: l.networks("outbound.allow_networks", f.AllowNetworks), AllowHTTP: f.AllowHTTP, AllowPorts: f.AllowPorts,
		Proxy: f.Proxy, CAFile: l.readable("outbound.ca_file", f.CAFile),
	}
	for i, port := range f.AllowPorts {
		l.number(item("outbound.allow_ports", i), port, 1, 65535)
	}
	if f.Proxy != "" {
		u, err := url.Parse(f.Proxy)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
			l.fault("outbound.proxy", "want an address such as http://proxy.example.com:3128")
		}
	}
}

func (l *loader) rest(c *Config) {
	f := &l.file
	c.SAML = SAML{
		ProviderName:    f.SAML.ProviderName,
		MetadataRefresh: l.duration("saml.metadata_refresh", f.SAML.MetadataRefresh, 5*time.Minute, 168*time.Hour),
		MetadataValid:   l.duration("saml.metadata_valid", f.SAML.MetadataValid, time.Hour, 8760*time.Hour),
		SignMetadata:    f.SAML.SignMetadata,
	}
	if f.SAML.ProviderName == "" || len(f.SAML.ProviderName) > 200 || strings.ContainsFunc(f.SAML.ProviderName, control) {
		l.fault("saml.provider_name", "want a name of 1 to 200 bytes")
	}
	const most = 1_000_000
	c.Limits = Limits{
		LoginsPerAddress:  l.number("limits.logins_per_address", f.Limits.LoginsPerAddress, 0, most),
		LoginsPerDomain:   l.number("limits.logins_per_domain", f.Limits.LoginsPerDomain, 0, most),
		AnswersPerAddress: l.number("limits.answers_per_address", f.Limits.AnswersPerAddress, 0, most),
		DrainWait:         l.duration("limits.drain_wait", f.Limits.DrainWait, 0, 5*time.Minute),
		Drain:             l.duration("limits.drain", f.Limits.Drain, time.Second, 10*time.Minute),
	}
	c.Log = Log{
		Format: l.oneOf("log.format", f.Log.Format, "json", "text"),
		Level:  l.oneOf("log.level", f.Log.Level, "debug", "info", "warn", "error"),
	}
	c.Identity = Identity{
		JWT: f.Identity.JWT, JWTLife: l.duration("identity.jwt_life", f.Identity.JWTLife, 10*time.Second, time.Hour),
		Audience: f.Identity.Audience,
	}
	if c.Identity.Audience == "" {
		c.Identity.Audience = c.PublicURL.String()
	}
	if strings.ContainsFunc(f.Identity.Audience, func(r rune) bool { return r == ' ' || control(r) }) {
		l.fault("identity.audience", "holds white space")
	}
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func (l *loader) serviceList(c *Config) {
	var names []string
	for i, s := range l.file.Services {
		at := item("services", i)
		if !simpleName.MatchString(s.Name) {
			l.fault(at+".name", "want letters, digits, -, _ and . (at most 64)")
		} else if slices.Contains(names, s.Name) {
			l.fault(at+".name", "the same name twice")
		}
		names = append(names, s.Name)
		if len(s.AccessHosts) == 0 {
			l.fault(at+".access_hosts", "names no host: nobody could be sent there")
		}
		for j, host := range s.AccessHosts {
			if !accessHost.MatchString(host) {
				l.fault(item(at+".access_hosts", j), "want a host such as board.example.com, board.example.com:8443, *.corp.example or http://localhost:3000")
			}
		}
		c.Services = append(c.Services, Service(s))
	}
}
