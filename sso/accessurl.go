package sso

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// ErrAccessURL is the one answer to an address that nobody may be sent to.
var ErrAccessURL = errors.New("sso: address is not allowed")

const maxAccessURL = 2048

// addressForm is the whole shape of an address we send people to. It leaves out everything that URL parsers disagree about:
// user information, backslashes, white space, control and non-ASCII characters, and the characters browsers rewrite.
var (
	addressForm = regexp.MustCompile(`^(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?([/?#][!#-;=?-\[\]_a-z~]*)?$`)
	hostLabel   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	badEscape   = regexp.MustCompile(`(?i)%(?:[01][0-9a-f]|7f|[^0-9a-f]|.[^0-9a-f]|.?$)`)
)

// JudgeAddress says whether a person may be sent to raw, and returns the address re-serialised from its parsed parts: only
// that may stand in a Location. It judges accessUrl at login start and again before the redirect, and redirect_uri at logout.
// Entries are "host", "host:port", "*.suffix" (at least one label more) or the same behind "http://" or "https://"; without a
// scheme https is meant. Everything not listed is refused with ErrAccessURL.
func JudgeAddress(raw string, entries []string) (string, error) {
	if len(raw) == 0 || len(raw) > maxAccessURL {
		return "", ErrAccessURL
	}
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] >= 0x7f {
			return "", ErrAccessURL
		}
	}
	part := addressForm.FindStringSubmatch(lowerAuthority(raw))
	if part == nil {
		return "", ErrAccessURL
	}
	origin := origin{scheme: part[1], host: part[2], port: part[3]}
	if !origin.valid() {
		return "", ErrAccessURL
	}
	if badEscape.MatchString(raw) {
		return "", ErrAccessURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || !strings.EqualFold(u.Host, origin.written()) {
		return "", ErrAccessURL // two readers disagree: nobody is sent there
	}
	if !origin.listed(entries) {
		return "", ErrAccessURL
	}
	u.Scheme, u.Host = origin.scheme, origin.canonical()
	return u.String(), nil
}

// lowerAuthority lowers the case of everything: the form is matched on letters of one case, the path is taken from url.Parse.
func lowerAuthority(raw string) string { return strings.ToLower(raw) }

// origin is scheme, host and port as written, in lower case; port is empty when not written.
type origin struct{ scheme, host, port string }

func (o origin) written() string {
	if o.port == "" {
		return o.host
	}
	return o.host + ":" + o.port
}

// canonical leaves the scheme's own port out.
func (o origin) canonical() string {
	if o.port == defaultPort(o.scheme) {
		return o.host
	}
	return o.written()
}

func (o origin) valid() bool {
	if o.port != "" {
		n, err := strconv.Atoi(o.port)
		if err != nil || n > 65535 {
			return false
		}
	}
	if len(o.host) > 253 {
		return false
	}
	if inner, ok := strings.CutPrefix(o.host, "["); ok {
		return canonicalIP(strings.TrimSuffix(inner, "]"), netip.Addr.Is6)
	}
	labels := strings.Split(o.host, ".")
	for _, l := range labels {
		if !hostLabel.MatchString(l) {
			return false
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' { // browsers read such a host as an IPv4 address
		return canonicalIP(o.host, netip.Addr.Is4)
	}
	return true
}

func canonicalIP(s string, family func(netip.Addr) bool) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && family(a) && a.Zone() == "" && a.String() == s
}

func (o origin) listed(entries []string) bool {
	for _, e := range entries {
		if o.matches(e) {
			return true
		}
	}
	return false
}

func (o origin) matches(entry string) bool {
	entry = strings.ToLower(entry)
	scheme := "https"
	if s, rest, ok := strings.Cut(entry, "://"); ok {
		scheme, entry = s, rest
	}
	if entry == "" || scheme != o.scheme {
		return false
	}
	host, port := entry, ""
	if i := strings.LastIndexByte(entry, ':'); i >= 0 && !strings.HasSuffix(entry, "]") {
		host, port = entry[:i], entry[i+1:]
	}
	if orDefault(port, scheme) != orDefault(o.port, scheme) {
		return false
	}
	suffix, wild := strings.CutPrefix(host, "*")
	if !wild {
		return host == o.host
	}
	// "*.corp.example": one label more at least, and a suffix that is itself more than a top-level label.
	return strings.HasPrefix(suffix, ".") && strings.Count(suffix, ".") >= 2 &&
		len(o.host) > len(suffix) && strings.HasSuffix(o.host, suffix)
}

func orDefault(port, scheme string) string {
	if port == "" {
		return defaultPort(scheme)
	}
	return port
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// WithoutQuery is an address as it may stand in a trace: no query, no fragment.
func WithoutQuery(address string) string {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		return address[:i]
	}
	return address
}
