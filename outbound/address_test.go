package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ssogate/ssogate/outbound"
)

// spellings of the loopback address and of other places that no customer may name.
var spellings = []string{
	"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001", "0x7f.1",
	"0177.0.0.1", "127.0.0.01", "0x7f.0x0.0x0.0x1", "0", "0.0.0.0", "0.1.2.3", "[::1]", "[::]", "[::ffff:127.0.0.1]",
	"[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
	"[2002:7f00:1::]", "[2001:0:7f00:1::1]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]", "[ff02::1]",
	"[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
	"100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "192.88.99.1", "224.0.0.1",
	"240.0.0.1", "255.255.255.255", "localhost", "LOCALHOST", "localhost.", "a.localhost", "127。0。0。1", "127.0.0.1", "①②⑦.0.0.1",
	"rebind.example", "metadata", "user:secret@127.0.0.1", "example.com@127.0.0.1", "127.0.0.1%00.example.com", "a..example",
}

func TestNoSpellingReachesTheLoopback(t *testing.T) {
	v4, v6 := newCanary(t, "127.0.0.1"), newCanary(t, "::1")
	for _, network := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")} {
		c, err := outbound.New(outbound.Options{
			AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.99.0.0/16")}, AllowHTTP: true,
			AllowPorts: []int{portOf(v4), portOf(v6)},
			Resolver:   dns(func(string) netip.Addr { return network }),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i, host := range spellings {
			for _, port := range []int{portOf(v4), portOf(v6)} {
				for _, scheme := range []string{"https", "http"} {
					// A key for each: eight calls at once or a breaker must not be what stops it.
					err := fetch(c.For(fmt.Sprint(i, port, scheme)), fmt.Sprintf("%s://%s:%d/", scheme, host, port))
					if err == nil {
						t.Errorf("%s %s answered", scheme, host)
					}
				}
				// The second wall alone, past the judgement of the URL.
				if conn, err := c.Dial(context.Background(), fmt.Sprintf("%s:%d", host, port)); err == nil {
					conn.Close()
					t.Errorf("%s was dialled", host)
				}
			}
		}
	}
	if v4.hits.Load()+v6.hits.Load() != 0 {
		t.Fatalf("the canaries were reached %d and %d times", v4.hits.Load(), v6.hits.Load())
	}
}

func TestCanaryWouldSing(t *testing.T) {
	v4 := newCanary(t, "127.0.0.1")
	c, err := outbound.New(outbound.Options{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fetch(c.For("k"), fmt.Sprintf("https://127.0.0.1:%d/", portOf(v4)))
	if v4.hits.Load() == 0 {
		t.Fatal("an allowed loopback address was not dialled: the other tests prove nothing")
	}
}

func TestVet(t *testing.T) {
	strict := outbound.Options{}
	onPremises := outbound.Options{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, AllowHTTP: true, AllowPorts: []int{8443}}
	for _, tc := range []struct {
		name, address string
		options       outbound.Options
		ok            bool
	}{
		{"plain https", "https://idp.example.com/token?x=1", strict, true},
		{"port 80", "https://idp.example.com:80/", strict, true},
		{"public literal on another port", "https://8.8.8.8:8443/", strict, false},
		{"public literal", "https://8.8.8.8/", strict, true},
		{"public IPv6 literal", "https://[2606:4700::1111]/", strict, true},
		{"trailing dot", "https://idp.example.com./", strict, true},
		{"http", "http://idp.example.com/", strict, false},
		{"other port", "https://idp.example.com:8443/", strict, false},
		{"port 0", "https://idp.example.com:0/", strict, false},
		{"port beyond", "https://idp.example.com:65536/", strict, false},
		{"user information", "https://u:p@idp.example.com/", strict, false},
		{"empty user", "https://@idp.example.com/", strict, false},
		{"no host", "https:///token", strict, false},
		{"opaque", "https:idp.example.com", strict, false},
		{"relative", "/token", strict, false},
		{"empty", "", strict, false},
		{"file", "file:///etc/passwd", strict, false},
		{"gopher", "gopher://idp.example.com/", strict, false},
		{"control character", "https://idp.example.com/\r\nX: y", strict, false},
		{"too long", "https://idp.example.com/" + strings.Repeat("a", 2048), strict, false},
		{"name too long", "https://" + strings.Repeat("a.", 130) + "com/", strict, false},
		{"not ASCII", "https://идп.example/", strict, false},
		{"private", "https://10.1.2.3/", strict, false},
		{"listed port", "https://idp.example.com:8443/", onPremises, true},
		{"any port in a listed network", "https://10.1.2.3:9999/", onPremises, true},
		{"http in a listed network", "http://10.1.2.3:8080/", onPremises, true},
		{"mapped address of a listed network", "https://[::ffff:10.1.2.3]/", onPremises, true},
		{"http to a public literal", "http://8.8.8.8/", onPremises, false},
		{"unlisted private", "https://10.2.0.1/", onPremises, false},
		{"loopback stays out", "https://localhost/", onPremises, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := outbound.New(tc.options)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Vet(tc.address); (err == nil) != tc.ok || (err != nil && !errors.Is(err, outbound.ErrForbidden)) {
				t.Fatalf("ok want %v, got %v", tc.ok, err)
			}
		})
	}
}

// TestVetRefusesEverySpelling: each special range by itself, without a dial that the machine's routes could decide.
func TestVetRefusesEverySpelling(t *testing.T) {
	c, err := outbound.New(outbound.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range spellings {
		if host == "rebind.example" || host == "metadata" {
			continue // plain names: what they resolve to is judged at the dial
		}
		if err := c.Vet("https://" + host + "/"); !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestRebindingIsCaughtAtTheDial(t *testing.T) {
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) {})
	bird := newCanary(t, "127.0.0.1")
	var rebound atomic.Bool
	c := allowing(t, s, func(o *outbound.Options) {
		o.AllowPorts = []int{portOf(bird)}
		o.Resolver = dns(func(string) netip.Addr {
			if rebound.Load() {
				return netip.MustParseAddr("127.0.0.1")
			}
			return netip.MustParseAddr("127.0.0.2")
		})
	})
	if err := fetch(c.For("k"), at(s, "/")); err != nil {
		t.Fatalf("the first answer was not the good address: %v", err)
	}
	rebound.Store(true)
	c.Close()
	err := fetch(c.For("k"), fmt.Sprintf("https://example.com:%d/", portOf(bird)))
	if !errors.Is(err, outbound.ErrForbidden) || bird.hits.Load() != 0 {
		t.Fatalf("want ErrForbidden and no hit, got %v, %d", err, bird.hits.Load())
	}
}

func TestFilteredReadsLikeRefused(t *testing.T) {
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) {})
	closed, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	address := fmt.Sprintf("https://example.com:%d/", portOf(closed))
	refused := fetch(allowing(t, s, nil).For("k"), address)
	filtered := fetch(allowing(t, s, func(o *outbound.Options) { o.Resolver = always("127.0.0.1") }).For("k"), address)
	unknown := fetch(allowing(t, s, func(o *outbound.Options) { o.Resolver = dns(func(string) netip.Addr { return netip.Addr{} }) }).For("k"), address)
	if refused == nil || refused.Error() != filtered.Error() || refused.Error() != unknown.Error() {
		t.Fatalf("texts differ:\n%v\n%v\n%v", refused, filtered, unknown)
	}
	if !errors.Is(refused, outbound.ErrUnreachable) || errors.Is(refused, outbound.ErrForbidden) || !errors.Is(filtered, outbound.ErrForbidden) {
		t.Fatalf("kinds: %v, %v", refused, filtered)
	}
}

func TestPlainHTTPOnlyToListedNetworks(t *testing.T) {
	bird := newCanary(t, "127.0.0.1")
	for _, tc := range []struct {
		name     string
		options  outbound.Options
		reaches  bool
		resolves string
	}{
		{"not switched on", outbound.Options{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, false, "127.0.0.1"},
		{"switched on and listed", outbound.Options{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true}, true, "127.0.0.1"},
		{"switched on, resolves elsewhere", outbound.Options{AllowNetworks: []netip.Prefix{second}, AllowHTTP: true, AllowPorts: []int{portOf(bird)}}, false, "127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := bird.hits.Load()
			tc.options.Resolver = always(tc.resolves)
			c, err := outbound.New(tc.options)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fetch(c.For("k"), fmt.Sprintf("http://idp.example:%d/", portOf(bird)))
			if got := bird.hits.Load() > before; got != tc.reaches {
				t.Fatalf("reached: want %v, got %v", tc.reaches, got)
			}
		})
	}
}
