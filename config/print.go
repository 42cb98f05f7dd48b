package config

import "net/netip"

// fileOf writes a Config back as the file that would give it.
func fileOf(c *Config) *file {
	f := &file{
		Listen: c.Listen, OperatorListen: c.OperatorListen, ExtraHosts: c.ExtraHosts, TrustedProxies: prefixes(c.TrustedProxies),
		DataDir:  c.DataDir,
		Database: databaseFile{URL: c.Database.URL, MaxConns: c.Database.MaxConns},
		Redis: redisFile{
			Mode: c.Redis.Mode, Addresses: c.Redis.Addresses, Master: c.Redis.Master, Username: c.Redis.Username, Password: c.Redis.Password,
			SentinelPassword: c.Redis.SentinelPassword, DB: c.Redis.DB, TLS: c.Redis.TLS, CAFile: c.Redis.CAFile, Prefix: c.Redis.Prefix,
			ClientCache: c.Redis.ClientCache,
		},
		Keys: keysFile{Current: c.Keys.Current, Previous: c.Keys.Previous},
		Session: sessionFile{
			Absolute: short(c.Session.Absolute), AppAbsolute: short(c.Session.AppAbsolute), Idle: short(c.Session.Idle),
			LoginWindow: short(c.Session.LoginWindow), CookieDomain: c.Session.CookieDomain, InsecureCookies: c.Session.InsecureCookies,
		},
		Outbound: outboundFile{
			AllowNetworks: prefixes(c.Outbound.AllowNetworks), AllowHTTP: c.Outbound.AllowHTTP, AllowPorts: c.Outbound.AllowPorts,
			Proxy: c.Outbound.Proxy, CAFile: c.Outbound.CAFile,
		},
		SAML: samlFile{
			ProviderName: c.SAML.ProviderName, MetadataRefresh: short(c.SAML.MetadataRefresh), MetadataValid: short(c.SAML.MetadataValid),
			SignMetadata: c.SAML.SignMetadata,
		},
		Limits: limitsFile{
			LoginsPerAddress: c.Limits.LoginsPerAddress, LoginsPerDomain: c.Limits.LoginsPerDomain,
			AnswersPerAddress: c.Limits.AnswersPerAddress, DrainWait: short(c.Limits.DrainWait), Drain: short(c.Limits.Drain),
		},
		Log:      logFile{Format: c.Log.Format, Level: c.Log.Level},
		Identity: identityFile{JWT: c.Identity.JWT, JWTLife: short(c.Identity.JWTLife), Audience: c.Identity.Audience},
	}
	if c.PublicURL != nil {
		f.PublicURL = c.PublicURL.String()
	}
	for _, s := range c.Services {
		f.Services = append(f.Services, serviceFile(s))
	}
	return f
}

func prefixes(list []netip.Prefix) []string {
	var texts []string
	for _, p := range list {
		texts = append(texts, p.String())
	}
	return texts
}
