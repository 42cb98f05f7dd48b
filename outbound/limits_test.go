package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ssogate/ssogate/outbound"
)

var bombBytes = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, 20<<20))
	z.Close()
	return b.Bytes()
})

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Write(bombBytes())
}

func endless(w http.ResponseWriter, r *http.Request) {
	for chunk := make([]byte, 64<<10); r.Context().Err() == nil; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for r.Context().Err() == nil {
		<-tick.C
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
	}
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func bigHeader(w http.ResponseWriter, _ *http.Request) {
	for i := range 160 {
		w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("h", 64<<10))
	}
}

func toLoopback(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://127.0.0.1/", http.StatusFound)
}

func TestHostileAnswers(t *testing.T) {
	bombBytes() // it takes longer to make than to refuse
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		want    error
	}{
		{"gzip bomb", bomb, outbound.ErrTooLarge},
		{"endless body", endless, outbound.ErrTooLarge},
		{"announced too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1048577")
			w.WriteHeader(200)
		}, outbound.ErrTooLarge},
		{"one byte too large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20+1)) }, outbound.ErrTooLarge},
		{"10 MB header", bigHeader, outbound.ErrTooLarge},
		{"header over 64 KiB", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("h", 70<<10)) }, outbound.ErrTooLarge},
		{"slow drip", drip, outbound.ErrTimeout},
		{"silent", silent, outbound.ErrTimeout},
		{"redirect", toLoopback, outbound.ErrRedirect},
		{"redirect without a place", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(302) }, outbound.ErrRedirect},
		{"cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("abc"))
		}, outbound.ErrUnreachable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/warm" {
					tc.handler(w, r)
				}
			})
			c := allowing(t, s, nil)
			if tc.want == error(outbound.ErrTimeout) { // the others must not depend on how fast this machine is
				c = fast(t, outbound.Options{AllowNetworks: []netip.Prefix{second}, RootCAs: pemOf(s), Resolver: always("127.0.0.2")})
				for i := 0; fetch(c.For(fmt.Sprint("warm", i)), at(s, "/warm")) != nil && i < 20; i++ { // the handshake is done
				}
			}
			if err := fetch(c.For("k"), at(s, "/")); !errors.Is(err, tc.want) {
				t.Fatalf("want %v, got %v", tc.want, err)
			}
		})
	}
}

func TestGoodAnswers(t *testing.T) {
	var seen http.Header
	s := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		w.Write(make([]byte, 1<<20))
	})
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	c := allowing(t, s, nil).For("k")
	for range 2 {
		r, _ := http.NewRequest("GET", at(s, "/"), nil)
		r.Header.Set("Cookie", "x=y")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(body) != 1<<20 {
			t.Fatalf("want 1 MiB, got %d, %v", len(body), err)
		}
		if seen.Get("Cookie") != "" || seen.Get("User-Agent") != "ssogate" {
			t.Fatalf("headers: %v", seen)
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) {})
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the server hears of the refusal
	c := allowing(t, s, func(o *outbound.Options) { o.RootCAs = nil })
	if err := fetch(c.For("k"), at(s, "/")); !errors.Is(err, outbound.ErrCertificate) {
		t.Fatalf("want ErrCertificate, got %v", err)
	}
}

func TestRedirectsOfMetadata(t *testing.T) {
	bird := newCanary(t, "127.0.0.1")
	var authorization atomic.Value
	s := tlsServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/2":
			http.Redirect(w, r, "/1", http.StatusFound)
		case "/3":
			http.Redirect(w, r, "/2", http.StatusMovedPermanently)
		case "/1":
			http.Redirect(w, r, "/0", http.StatusTemporaryRedirect)
		case "/out":
			http.Redirect(w, r, fmt.Sprintf("https://127.0.0.1:%d/", portOf(bird)), http.StatusFound)
		case "/down":
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
		case "/unchanged":
			w.WriteHeader(http.StatusNotModified)
		case "/0":
			authorization.Store(r.Header.Get("Authorization"))
		}
	})
	c := allowing(t, s, func(o *outbound.Options) { o.AllowPorts = []int{portOf(bird)} })
	for _, tc := range []struct {
		name, path string
		client     *http.Client
		want       error
	}{
		{"two", "/2", c.ForMetadata("k"), nil},
		{"three", "/3", c.ForMetadata("k"), outbound.ErrRedirect},
		{"to the loopback", "/out", c.ForMetadata("k"), outbound.ErrForbidden},
		{"to plain http", "/down", c.ForMetadata("k"), outbound.ErrForbidden},
		{"none for other calls", "/1", c.For("k"), outbound.ErrRedirect},
		{"not modified is no redirect", "/unchanged", c.For("k"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, _ := http.NewRequest("GET", at(s, tc.path), nil)
			r.Header.Set("Authorization", "Bearer canary")
			resp, err := tc.client.Do(r)
			if err == nil {
				resp.Body.Close()
			}
			if !errors.Is(err, tc.want) {
				t.Fatalf("want %v, got %v", tc.want, err)
			}
		})
	}
	t.Run("a form is not posted again", func(t *testing.T) {
		if _, err := c.ForMetadata("k").PostForm(at(s, "/1"), url.Values{"code": {"x"}}); !errors.Is(err, outbound.ErrRedirect) {
			t.Fatalf("want ErrRedirect, got %v", err)
		}
	})
	if bird.hits.Load() != 0 {
		t.Fatal("a redirect reached the loopback")
	}
	if authorization.Load() != "" {
		t.Fatal("credentials travelled along a redirect")
	}
}

func TestEightAtOnce(t *testing.T) {
	started, release := make(chan struct{}, 16), make(chan struct{})
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) {
		started <- struct{}{}
		<-release
	})
	c := allowing(t, s, nil)
	var done sync.WaitGroup
	errs := make(chan error, 9)
	for range 8 {
		done.Go(func() { errs <- fetch(c.For("a"), at(s, "/")) })
	}
	for range 8 {
		<-started
	}
	if err := fetch(c.For("a"), at(s, "/")); !errors.Is(err, outbound.ErrBusy) {
		t.Errorf("the ninth: want ErrBusy, got %v", err)
	}
	done.Go(func() { errs <- fetch(c.For("b"), at(s, "/")) })
	<-started // another domain has its own eight
	close(release)
	done.Wait()
	for range 9 {
		if err := <-errs; err != nil {
			t.Errorf("a call within the eight: %v", err)
		}
	}
	if keys, hosts := c.Sizes(); keys != 0 || hosts != 0 {
		t.Fatalf("idle and healthy, yet %d keys and %d hosts are remembered", keys, hosts)
	}
}

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Second)) }

func TestBreaker(t *testing.T) {
	var status, calls atomic.Int64
	s := tlsServer(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
	})
	k := &clock{}
	c := allowing(t, s, func(o *outbound.Options) { o.Now = k.now })
	call := func(key string, with int) error {
		status.Store(int64(with))
		return fetch(c.For(key), at(s, "/"))
	}
	for range 10 {
		call("a", 404)
	}
	for range 4 {
		call("a", 500)
	}
	call("a", 200) // consecutive is broken
	for range 5 {
		if err := call("a", 503); err != nil {
			t.Fatalf("a 5xx is an answer, not an error: %v", err)
		}
	}
	before := calls.Load()
	if err := call("a", 200); !errors.Is(err, outbound.ErrOpen) || calls.Load() != before {
		t.Fatalf("want ErrOpen without a call, got %v", err)
	}
	if err := call("b", 200); err != nil {
		t.Fatalf("another domain is shut out by this one's failures: %v", err)
	}
	k.advance(9 * time.Second)
	if err := call("a", 200); !errors.Is(err, outbound.ErrOpen) {
		t.Fatalf("too early: want ErrOpen, got %v", err)
	}
	k.advance(time.Second)
	call("a", 500) // the probe fails
	if err := call("a", 200); !errors.Is(err, outbound.ErrOpen) {
		t.Fatalf("after a failed probe: want ErrOpen, got %v", err)
	}
	k.advance(10 * time.Second)
	for range 3 {
		if err := call("a", 200); err != nil {
			t.Fatalf("after a good probe: %v", err)
		}
	}
}

func TestOneProbeAtATime(t *testing.T) {
	started, release := make(chan struct{}, 1), make(chan struct{})
	var hold atomic.Bool
	s := tlsServer(t, func(w http.ResponseWriter, _ *http.Request) {
		if hold.Load() {
			started <- struct{}{}
			<-release
			return
		}
		w.WriteHeader(500)
	})
	k := &clock{}
	c := allowing(t, s, func(o *outbound.Options) { o.Now = k.now })
	for range 5 {
		fetch(c.For("a"), at(s, "/"))
	}
	k.advance(10 * time.Second)
	hold.Store(true)
	probe := make(chan error)
	go func() { probe <- fetch(c.For("a"), at(s, "/")) }()
	<-started
	if err := fetch(c.For("a"), at(s, "/")); !errors.Is(err, outbound.ErrOpen) {
		t.Errorf("beside the probe: want ErrOpen, got %v", err)
	}
	close(release)
	if err := <-probe; err != nil {
		t.Fatalf("the probe: %v", err)
	}
}

func TestCallerGivingUpIsNoFailure(t *testing.T) {
	release := make(chan struct{})
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) { <-release }) // never answers, also not to a closed connection
	t.Cleanup(func() { close(release) })
	c := allowing(t, s, nil)
	for range 6 {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(30*time.Millisecond, cancel)
		r, _ := http.NewRequestWithContext(ctx, "GET", at(s, "/"), nil)
		if _, err := c.For("a").Do(r); !errors.Is(err, context.Canceled) {
			t.Fatalf("want the caller's own error, got %v", err)
		}
	}
	if _, hosts := c.Sizes(); hosts != 0 {
		t.Fatal("a caller that gave up counted against the host")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) {})
	closed, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	c := allowing(t, s, nil)
	for i := range outbound.MaxBreakers + 50 {
		fetch(c.For(fmt.Sprint(i)), fmt.Sprintf("https://127.0.0.2:%d/", portOf(closed)))
	}
	if keys, hosts := c.Sizes(); keys != 0 || hosts != outbound.MaxBreakers {
		t.Fatalf("want 0 keys and %d hosts, got %d and %d", outbound.MaxBreakers, keys, hosts)
	}
}

// connectProxy is a forward proxy that notes what it was asked for.
func connectProxy(t *testing.T, asked *atomic.Value) *httptest.Server {
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization"))
		up, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		down, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(up, down); up.Close() }()
		io.Copy(down, up)
		down.Close()
	}))
	t.Cleanup(p.Close)
	return p
}

func TestProxyIsAskedForTheJudgedAddress(t *testing.T) {
	s := tlsServer(t, func(http.ResponseWriter, *http.Request) {})
	var asked atomic.Value
	p := connectProxy(t, &asked)
	through := func(o *outbound.Options) { o.Proxy = strings.Replace(p.URL, "://", "://user:word@", 1) }
	if err := fetch(allowing(t, s, through).For("k"), at(s, "/")); err != nil {
		t.Fatal(err)
	}
	if want := "CONNECT " + s.Listener.Addr().String() + " Basic dXNlcjp3b3Jk"; asked.Load() != want {
		t.Fatalf("want %q, got %q", want, asked.Load())
	}
	asked.Store("")
	c := allowing(t, s, func(o *outbound.Options) { through(o); o.Resolver = always("127.0.0.1") })
	if err := fetch(c.For("k"), at(s, "/")); !errors.Is(err, outbound.ErrForbidden) || asked.Load() != "" {
		t.Fatalf("want ErrForbidden without a word to the proxy, got %v, %q", err, asked.Load())
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, o := range []outbound.Options{{Proxy: "socks5://127.0.0.1:1"}, {Proxy: "://"}, {RootCAs: []byte("no PEM")}} {
		if _, err := outbound.New(o); err == nil {
			t.Errorf("accepted: %+v", o)
		}
	}
}
