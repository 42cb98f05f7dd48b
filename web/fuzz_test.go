package web_test

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/web"
)

// FuzzClientIP: whatever stands in X-Forwarded-For, the address is the sender's own, or one that is no trusted proxy or that
// every hop to its right is one; and a sender who is no proxy is never believed.
func FuzzClientIP(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.2", "10.0.0.1:1")
	f.Add("1.1.1.1", "203.0.113.9:1")
	f.Add("[::1]:5, ::ffff:10.0.0.3,,", "[fd00::1]:1")
	trusted := netip.MustParsePrefix("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forwarded, remote string) {
		x := newFixture(t, nil)
		var got netip.Addr
		x.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error {
			got = web.ClientIP(r.Context())
			return ok(w, r)
		})
		r := get("/x")
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{forwarded + ", 198.51.100.7, 10.0.0.9"}
		x.do(r)
		proxy := trusted.Contains(sender(remote)) || netip.MustParsePrefix("fd00::/8").Contains(sender(remote))
		switch {
		case proxy && got.String() != "198.51.100.7":
			t.Errorf("%q through %s: %s", forwarded, remote, got)
		case !proxy && got != sender(remote):
			t.Errorf("%s, no proxy, was believed: %s", remote, got)
		}
	})
}

// sender is the address in a RemoteAddr, with or without a port.
func sender(remote string) netip.Addr {
	host, port, err := net.SplitHostPort(remote)
	if _, number := strconv.ParseUint(port, 10, 16); err == nil && number != nil {
		return netip.Addr{} // no server says so
	}
	if err != nil {
		host = strings.Trim(remote, "[]")
	}
	a, _ := netip.ParseAddr(host)
	return a.Unmap().WithZone("")
}

// FuzzRedirect: a Location that is sent leads to a path here or to an http(s) host, for a parser of addresses and for a
// browser, which reads backslashes as slashes and drops line ends.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{"https://board.example.com/a?b#c", "/x", "//evil", `/\evil`, "https:evil", "/a\r\nb", "http://[::1]:80/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		x := newFixture(t, nil)
		x.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error { return web.Redirect(w, r, location) })
		a := x.do(get("/x"))
		got := a.Header.Get("Location")
		if got == "" {
			return
		}
		if strings.ContainsAny(got, "\r\n\t\\ ") {
			t.Fatalf("%q: Location %q", location, got)
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil {
			t.Fatalf("%q: Location %q: %v", location, got, err)
		}
		local := strings.HasPrefix(got, "/") && !strings.HasPrefix(got, "//")
		if !local && (!strings.HasPrefix(got, "https://") && !strings.HasPrefix(got, "http://") || u.Hostname() == "") {
			t.Fatalf("%q: Location %q", location, got)
		}
	})
}
