// Package outbound is the one HTTP client for addresses that a customer typed: metadata, discovery, keys, token, user info.
// It refuses private networks unless the operator lists them, checked on the resolved address at each dial; it bounds size,
// redirects, time and calls at once, and opens a breaker for a host that fails. Source: security.md section 2.3.
//
// One call passes, in this order: a place among the domain's eight (gate.go), the address rules on the URL (vet.go), the
// breaker of that domain and host (breaker.go), the address rules on what the name resolved to (dial.go), the limits of time
// and size (roundtrip.go). A redirect, where it is allowed, starts again at the second step.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Limits of one call.
const (
	maxBody      = 1 << 20  // bytes after inflating
	maxHeader    = 64 << 10 // bytes of response header
	callsPerKey  = 8
	maxURL       = 2048
	defaultAgent = "ssogate"
)

// times bound one call.
type times struct {
	connect   time.Duration // name resolution and TCP
	tls       time.Duration // handshake
	firstByte time.Duration // from the request written to the first byte of the answer
	whole     time.Duration // everything, redirects and body included
}

var defaultTimes = times{connect: time.Second, tls: 2 * time.Second, firstByte: 3 * time.Second, whole: 5 * time.Second}

// Options are the operator's choices. The zero value is the strict default.
type Options struct {
	AllowNetworks []netip.Prefix // private or loopback networks that may be dialled
	AllowHTTP     bool           // plain http, only to AllowNetworks
	AllowPorts    []int          // besides 443 and 80; also any port on AllowNetworks
	// Proxy is an explicit forward proxy (http or https, optional user:password), empty none; the environment is ignored. The
	// name is resolved and judged here and the proxy is asked for the address (CONNECT), so it cannot be made to resolve anew.
	Proxy     string
	RootCAs   []byte // PEM, added to the system's
	UserAgent string
	Now       func() time.Time // for the breaker; nil means time.Now
	Resolver  *net.Resolver    // nil means the system's
}

// Client makes bounded calls. Safe for concurrent use.
type Client struct{ client }

// client is what the exported methods work on.
type client struct {
	rules    rules
	times    times
	agent    string
	secure   *http.Transport // https: public addresses and AllowNetworks
	plain    *http.Transport // http: AllowNetworks only
	slots    *slots
	breakers *breakers
}

// New builds the client. It fails on a proxy address or PEM that cannot be read.
func New(o Options) (*Client, error) { return newClient(o, defaultTimes) }

// For returns an *http.Client for one domain: at most 8 calls at once for that key, further ones fail at once. Limits: connect
// 1 s, TLS 2 s, first byte 3 s, whole call 5 s, body 1 MiB after inflating, no redirects. Bodies are read before the call
// returns. Errors: those of errors.go, wrapped in *url.Error; the caller's own context error when the caller gave up.
func (c *Client) For(key string) *http.Client { return c.forKey(key, 0) }

// ForMetadata is For with at most two redirects of GET, each checked like a first address.
func (c *Client) ForMetadata(key string) *http.Client { return c.forKey(key, 2) }

// Vet says whether an address may be stored at all (scheme, port, literal address, no user info), without dialling. Errors
// are ErrForbidden with the rule that was broken. A name with an unusual port passes when AllowNetworks is set: what it
// resolves to is judged at each dial.
func (c *Client) Vet(rawURL string) error { return c.vet(rawURL) }

// Close ends idle connections. Calls under way finish.
func (c *Client) Close() {
	c.secure.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

func newClient(o Options, t times) (*Client, error) {
	roots, err := rootPool(o.RootCAs)
	if err != nil {
		return nil, err
	}
	proxy, err := parseProxy(o.Proxy)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultAgent
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	r := newRules(o)
	c := client{rules: r, times: t, agent: o.UserAgent, slots: newSlots(callsPerKey), breakers: newBreakers(o.Now)}
	d := dialer{rules: r, times: t, resolver: o.Resolver, proxy: proxy, roots: roots}
	c.secure = transport(d)
	d.rules = r.onlyAllowed()
	c.plain = transport(d)
	return &Client{c}, nil
}

// transport speaks HTTP/1.1 only: token and metadata calls gain nothing from HTTP/2, and one dropped connection would stall
// every call that shares it.
func transport(d dialer) *http.Transport {
	one := new(http.Protocols)
	one.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  nil, // security.md 2.3: HTTP_PROXY and its like are not read
		DialContext:            d.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.roots},
		TLSHandshakeTimeout:    d.times.tls,
		ResponseHeaderTimeout:  d.times.firstByte,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              one,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    callsPerKey,
		IdleConnTimeout:        time.Minute,
	}
}

func (c *client) forKey(key string, redirects int) *http.Client {
	return &http.Client{
		Transport: &gate{client: c, key: key, redirects: redirects},
		// The gate follows what may be followed, under the same deadline; nothing is left for http.Client.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func rootPool(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil // the system's
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("outbound: no certificate in the PEM of the root CAs")
	}
	return pool, nil
}

func parseProxy(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("outbound: the proxy is not an http or https address")
	}
	return u, nil
}
