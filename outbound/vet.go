package outbound

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// rules are the operator's choices as far as addresses go.
type rules struct {
	networks []netip.Prefix
	ports    []int
	http     bool
	strict   bool // only networks, nothing public: for plain http
}

func newRules(o Options) rules {
	r := rules{ports: append([]int{443, 80}, o.AllowPorts...), http: o.AllowHTTP && len(o.AllowNetworks) > 0}
	for _, p := range o.AllowNetworks {
		r.networks = append(r.networks, p.Masked())
	}
	return r
}

func (r rules) onlyAllowed() rules { r.strict = true; return r }

func (r rules) listed(a netip.Addr) bool {
	return slices.ContainsFunc(r.networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// permits judges an address with its port. A listed network is allowed whole; anything else must be public and on a usual port.
func (r rules) permits(a netip.Addr, port int) bool {
	a = a.WithZone("")
	if r.listed(a) || r.listed(a.Unmap()) {
		return true
	}
	return !r.strict && public(a) && slices.Contains(r.ports, port)
}

// special are the ranges of the IANA special-purpose registries (RFC 6890) that a public service cannot have.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network, unspecified
	netip.MustParsePrefix("10.0.0.0/8"),      // private
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("127.0.0.0/8"),     // loopback
	netip.MustParsePrefix("169.254.0.0/16"),  // link-local, cloud metadata
	netip.MustParsePrefix("172.16.0.0/12"),   // private
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relay
	netip.MustParsePrefix("192.168.0.0/16"),  // private
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/4"),     // multicast
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("2001::/23"),       // protocol assignments: Teredo, ORCHID, benchmarking
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4
	netip.MustParsePrefix("3fff::/20"),       // documentation
}

// unicast6 is all of IPv6 that is handed out; what lies outside (loopback, ULA, link-local, multicast, NAT64 64:ff9b::/96,
// IPv4-mapped and -compatible, discard) is refused by not being in it.
var unicast6 = netip.MustParsePrefix("2000::/3")

func public(a netip.Addr) bool {
	if !a.IsValid() || (a.Is6() && !unicast6.Contains(a)) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (c *client) vet(raw string) error {
	if len(raw) > maxURL {
		return fmt.Errorf("%w: longer than %d bytes", ErrForbidden, maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("%w: not an address", ErrForbidden)
	}
	return c.rules.url(u)
}

// url judges what can be judged without resolving the name.
func (r rules) url(u *url.URL) error {
	if u.Opaque != "" || u.Host == "" {
		return fmt.Errorf("%w: not an absolute address", ErrForbidden)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !r.http) {
		return fmt.Errorf("%w: the scheme must be https", ErrForbidden)
	}
	if u.User != nil {
		return fmt.Errorf("%w: user information in the address", ErrForbidden)
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	if u.Scheme == "http" {
		r = r.onlyAllowed()
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return r.literal(a, port)
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 section 6.3
		return r.literal(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	}
	return r.name(host, port)
}

func (r rules) literal(a netip.Addr, port int) error {
	if a.Zone() != "" || !r.permits(a, port) {
		return fmt.Errorf("%w: a private or special address, or its port", ErrForbidden)
	}
	return nil
}

// name accepts plain host names only. A last label that is a number would be an address to some resolvers: 2130706433,
// 0x7f.1 and 0177.0.0.1 are all 127.0.0.1 to them.
func (r rules) name(host string, port int) error {
	if host == "" || len(host) > 253 || strings.Contains(host, "..") || !plainName(host) {
		return fmt.Errorf("%w: not a host name", ErrForbidden)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		return fmt.Errorf("%w: a number instead of a host name", ErrForbidden)
	}
	if !slices.Contains(r.ports, port) && len(r.networks) == 0 {
		return fmt.Errorf("%w: port %d", ErrForbidden, port)
	}
	return nil
}

func plainName(host string) bool {
	for _, b := range []byte(host) {
		if !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '_' || b == '.') {
			return false
		}
	}
	return true
}

func portOf(u *url.URL) (int, error) {
	switch p := u.Port(); {
	case p == "" && u.Scheme == "https":
		return 443, nil
	case p == "":
		return 80, nil
	default:
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return 0, fmt.Errorf("%w: port", ErrForbidden)
		}
		return n, nil
	}
}
