package config

import (
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// build makes the Config and notes every fault on the way.
func (l *loader) build() *Config {
	f := &l.file
	c := &Config{
		PublicURL: l.publicURL("public_url", f.PublicURL),
		Listen:    l.address("listen", f.Listen), OperatorListen: f.OperatorListen,
		ExtraHosts: f.ExtraHosts, TrustedProxies: l.networks("trusted_proxies", f.TrustedProxies),
		DataDir: f.DataDir,
	}
	if f.OperatorListen != "off" {
		l.address("operator_listen", f.OperatorListen)
	}
	if f.OperatorListen == f.Listen && !strings.HasSuffix(f.Listen, ":0") {
		l.fault("operator_listen", "the same as listen")
	}
	for i, host := range f.ExtraHosts {
		if !hostPort.MatchString(host) {
			l.fault(item("extra_hosts", i), "want a host or host:port")
		}
	}
	if f.DataDir == "" {
		l.fault("data_dir", "names no folder")
	}
	l.database(c)
	l.redis(c)
	l.keys(c)
	l.session(c)
	l.outbound(c)
	l.rest(c)
	l.serviceList(c)
	return c
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// hostPort is a host name, IPv4 address or bracketed IPv6 address, with or without a port.
var hostPort = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// accessHost is an entry of access_hosts; the directory decides what it lets through.
var accessHost = regexp.MustCompile(`^(https?://)?(\*\.)?([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// simpleName is the name of a service, or what Redis keys begin with.
var simpleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (l *loader) publicURL(path, text string) *url.URL {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http" || !hostPort.MatchString(u.Host):
		l.fault(path, "want an address such as https://sso.example.com")
	case u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		l.fault(path, "want scheme, host and port only, without user, path, query or fragment")
	case !validPort(u.Port()):
		l.fault(path, "the port is not one")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.fault(path, "http is only for loopback hosts: sign-in needs https")
	default:
		host := strings.ToLower(u.Host)
		host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
		return &url.URL{Scheme: u.Scheme, Host: host}
	}
	return &url.URL{Scheme: "https", Host: "invalid"}
}

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return port == "" || err == nil && n > 0 && n < 65536
}

func loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// address checks host:port of a listener; the host may be empty, port 0 takes any.
func (l *loader) address(path, text string) string {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		l.fault(path, "want host:port")
		return text
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		l.fault(path, "the port is not one")
	}
	return text
}

func (l *loader) networks(path string, texts []string) []netip.Prefix {
	var list []netip.Prefix
	for i, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, bad := netip.ParseAddr(text)
			if bad != nil || a.Zone() != "" {
				l.fault(item(path, i), "want a network such as 10.0.0.0/8, or an address")
				continue
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Bits() == 0 {
			l.fault(item(path, i), "this is everybody")
			continue
		}
		if p != p.Masked() {
			l.fault(item(path, i), "bits are set behind the prefix: did you mean %s?", p.Masked())
			continue
		}
		list = append(list, p)
	}
	return list
}

func (l *loader) duration(path, text string, low, high time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		l.fault(path, "want a duration such as 30m or 24h")
		return 0
	}
	if d < low || d > high {
		l.fault(path, "want %s to %s", short(low), short(high))
	}
	return d
}

// short writes whole hours and minutes without the zeros of time.Duration.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (l *loader) number(path string, n, low, high int) int {
	if n < low || n > high {
		l.fault(path, "want %d to %d", low, high)
	}
	return n
}

func (l *loader) oneOf(path, text string, of ...string) string {
	if !slices.Contains(of, text) {
		l.fault(path, "want %s or %s", strings.Join(of[:len(of)-1], ", "), of[len(of)-1])
	}
	return text
}

// readable checks that a file of certificates can be read.
func (l *loader) readable(path, file string) string {
	if file != "" {
		b, err := readFile(file)
		if err != nil {
			l.fault(path, "%v", err)
		} else if !strings.Contains(string(b), "-----BEGIN CERTIFICATE-----") {
			l.fault(path, "file %s holds no certificate in PEM", file)
		}
	}
	return file
}

func (l *loader) database(c *Config) {
	f := l.file.Database
	c.Database = Database{URL: f.URL, MaxConns: l.number("database.max_conns", f.MaxConns, 1, 1000)}
	// The address may hold a password: the faults do not repeat it.
	switch scheme, rest, _ := strings.Cut(f.URL, ":"); {
	case f.URL == "":
		c.Database.URL = "sqlite:" + filepath.Join(c.DataDir, "directory.db")
	case scheme == "sqlite":
		if rest == "" {
			l.fault("database.url", "names no file: want sqlite:<path>")
		}
	case scheme == "postgres" || scheme == "postgresql":
		u, err := url.Parse(f.URL)
		if err != nil || u.Opaque != "" {
			l.fault("database.url", "not an address: characters such as @ / : ? # %% in user or password must be percent-encoded")
		} else if len(u.Path) < 2 {
			l.fault("database.url", "names no database: want postgres://user:password@host:5432/name")
		}
	default:
		l.fault("database.url", "want sqlite:<path> or postgres://…")
	}
}

func (l *loader) keys(c *Config) {
	seen := map[string]bool{}
	key := func(path, text string) string {
		raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(text), "="))
		if err != nil || len(raw) != 32 {
			l.fault(path, "want base64 of 32 bytes (openssl rand -base64 32)")
			return ""
		}
		if seen[string(raw)] {
			l.fault(path, "the same key twice")
		}
		seen[string(raw)] = true
		return base64.StdEncoding.EncodeToString(raw)
	}
	if l.file.Keys.Current != "" {
		c.Keys.Current = key("keys.current", l.file.Keys.Current)
	}
	for i, k := range l.file.Keys.Previous {
		c.Keys.Previous = append(c.Keys.Previous, key(item("keys.previous", i), k))
	}
}
