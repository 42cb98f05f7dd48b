package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// headerLine is a header under its canonical name. Every answer shares the value: a handler that sets or adds makes its own.
type headerLine struct {
	name  string
	value []string
}

// securityHeaders stand on every answer (security.md 3.2). HSTS only makes sense where the public URL is https.
func securityHeaders(secure bool) []headerLine {
	var lines []headerLine
	add := func(name, value string) {
		lines = append(lines, headerLine{http.CanonicalHeaderKey(name), []string{value}})
	}
	add("Content-Security-Policy", policy())
	add("Cache-Control", "no-store")
	add("Referrer-Policy", "no-referrer")
	add("X-Content-Type-Options", "nosniff")
	add("X-Frame-Options", "DENY")
	add("Cross-Origin-Opener-Policy", "same-origin")
	add("Cross-Origin-Resource-Policy", "same-origin")
	add("Permissions-Policy", "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "+
		"magnetometer=(), microphone=(), midi=(), payment=(), usb=()")
	if secure {
		add("Strict-Transport-Security", "max-age=63072000")
	}
	return lines
}

// policy is the Content-Security-Policy; formAction are further sources that a form of the page may lead to.
func policy(formAction ...string) string {
	sources := "'self'"
	if len(formAction) > 0 {
		sources += " " + strings.Join(formAction, " ")
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action " + sources +
		"; frame-ancestors 'none'; base-uri 'none'"
}

// formSources are the form-action sources of a page. Chromium applies form-action to every redirect that follows a form, and
// the forms of a login service all end elsewhere: at an identity provider that may hand on to a second one, at the service the
// person came for. Those hosts cannot be listed beforehand, so pages whose form leaves us allow https besides the origins
// given; where the form goes first is fixed in the page, which holds no markup of strangers. http is added only when browsers
// reach us by http too, which is a loopback installation.
func formSources(leaves, secure bool, origins []string) []string {
	var sources []string
	for _, o := range origins {
		if s := origin(o); s != "" && !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	if leaves {
		sources = append(sources, "https:")
		if !secure {
			sources = append(sources, "http:")
		}
	}
	return sources
}

// origin is the origin of an absolute http(s) address as a CSP source, empty for anything that could end the directive.
func origin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*\t\r\n") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// clientAddress finds the browser's address: the sender, or, when the sender is a trusted proxy, the rightmost hop of
// X-Forwarded-For that is not one (security.md 3.4). An entry that is no address ends the walk: what lies left of it was
// written by we do not know whom.
func clientAddress(r *http.Request, trusted []netip.Prefix) (ip netip.Addr, proxied bool) {
	ip = address(r.RemoteAddr)
	if !contains(trusted, ip) {
		return ip, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := address(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		ip = hop
		if !contains(trusted, ip) {
			break
		}
	}
	return ip, true
}

// address reads "1.2.3.4", "1.2.3.4:5", "::1" and "[::1]:5"; mapped addresses become IPv4, zones are dropped.
func address(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func contains(prefixes []netip.Prefix, ip netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// dropForwarded removes what a stranger may have written to speak for a proxy (security.md 3.4). Names with an underscore go
// altogether: some servers behind us read X_Forwarded_For as X-Forwarded-For (CVE-2025-64484).
func dropForwarded(h http.Header, proxied bool) {
	for name := range h {
		switch name {
		case "Forwarded", "X-Forwarded-For", "X-Real-Ip", "X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override":
			delete(h, name)
		case "X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Original-Url", "X-Original-Method":
			// Forward auth needs these, from a proxy the operator named (CVE-2026-40575).
			if !proxied || len(h[name]) != 1 {
				delete(h, name)
			}
		default:
			if strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Original-") || strings.Contains(name, "_") {
				delete(h, name)
			}
		}
	}
}
