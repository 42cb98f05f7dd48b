package outbound_test

import (
	"context"
	"encoding/binary"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is a listener that nobody may reach.
type canary struct {
	net.Listener
	hits atomic.Int64
}

func newCanary(t *testing.T, host string) *canary {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	c := &canary{Listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.hits.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return c
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// dns is a resolver whose every answer comes from the function.
func dns(answer func(name string) netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serveDNS(theirs, answer)
		return ours, nil
	}}
}

// serveDNS speaks RFC 1035 over a stream: a length of two bytes before each message.
func serveDNS(c net.Conn, answer func(string) netip.Addr) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	for {
		var n [2]byte
		if _, err := io.ReadFull(c, n[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(n[:]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		a := reply(q, answer)
		binary.BigEndian.PutUint16(n[:], uint16(len(a)))
		if _, err := c.Write(append(n[:], a...)); err != nil {
			return
		}
	}
}

func reply(q []byte, answer func(string) netip.Addr) []byte {
	name, end := "", 12
	for q[end] != 0 {
		name += string(q[end+1:end+1+int(q[end])]) + "."
		end += 1 + int(q[end])
	}
	question := q[12 : end+5]
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	const typeA, typeAAAA = 1, 28
	kind, addr := binary.BigEndian.Uint16(q[end+1:]), answer(name)
	if !addr.IsValid() || (kind == typeA) != addr.Is4() || (kind != typeA && kind != typeAAAA) {
		return a
	}
	a[7] = 1
	a = append(a, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(addr.AsSlice())))
	return append(a, addr.AsSlice()...)
}

func always(addr string) *net.Resolver {
	return dns(func(string) netip.Addr { return netip.MustParseAddr(addr) })
}

// tlsServer listens on 127.0.0.2, which tests list as allowed; 127.0.0.1 stays forbidden.
func tlsServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func pemOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// at is the server's address under the one name its certificate has.
func at(s *httptest.Server, path string) string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return "https://example.com:" + port + path
}

var second = netip.MustParsePrefix("127.0.0.2/32")

// allowing is a client for which 127.0.0.2 is the outside world.
func allowing(t *testing.T, s *httptest.Server, change func(*outbound.Options)) *outbound.Client {
	t.Helper()
	o := outbound.Options{AllowNetworks: []netip.Prefix{second}, RootCAs: pemOf(s), Resolver: always("127.0.0.2")}
	if change != nil {
		change(&o)
	}
	c, err := outbound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fast(t *testing.T, o outbound.Options) *outbound.Client {
	t.Helper()
	// Connecting has all the time it wants: only what comes after is to be too late.
	c, err := outbound.NewFast(o, 20*time.Second, 20*time.Second, 200*time.Millisecond, 800*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fetch(c *http.Client, address string) error {
	resp, err := c.Get(address)
	if err == nil {
		resp.Body.Close()
	}
	return err
}
