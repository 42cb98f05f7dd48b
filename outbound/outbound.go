// Package outbound is the one HTTP client for addresses that a customer typed: metadata, discovery, keys, token, user info.
// It refuses private networks unless the operator lists them, checked on the resolved address at each dial; it bounds size,
// redirects, time and calls at once, and opens a breaker for a host that fails. Source: security.md section 2.3.
package outbound

import (
	"net/http"
	"net/netip"
	"time"
)

// Options are the operator's choices. The zero value is the strict default.
type Options struct {
	AllowNetworks []netip.Prefix // private or loopback networks that may be dialled
	AllowHTTP     bool           // plain http, only to AllowNetworks
	AllowPorts    []int          // besides 443 and 80; also any port on AllowNetworks
	Proxy         string         // explicit forward proxy, empty none; environment is ignored
	RootCAs       []byte         // PEM, added to the system's
	UserAgent     string
	Now           func() time.Time // for the breaker
}

// Client makes bounded calls. Safe for concurrent use.
type Client struct{ client }

// New builds the client.
func New(o Options) (*Client, error) { return newClient(o) }

// For returns an *http.Client for one domain: at most 8 calls at once for that key, further ones fail at once. Limits: connect
// 1 s, TLS 2 s, first byte 3 s, whole call 5 s, body 1 MiB after inflating, no redirects.
func (c *Client) For(key string) *http.Client { return c.forKey(key, 0) }

// ForMetadata is For with at most two redirects, each checked like a first address.
func (c *Client) ForMetadata(key string) *http.Client { return c.forKey(key, 2) }

// Vet says whether an address may be stored at all (scheme, port, literal address, no user info), without dialling.
func (c *Client) Vet(rawURL string) error { return c.vet(rawURL) }
