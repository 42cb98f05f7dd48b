package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// dialer connects to what the rules permit. The judgement falls in Control, after the name was resolved and on each address
// that is tried, so a name server that changes its answer gains nothing (DNS rebinding).
type dialer struct {
	rules    rules
	times    times
	resolver *net.Resolver
	proxy    *url.URL
	roots    *x509.CertPool
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.proxy != nil {
		return d.throughProxy(ctx, address)
	}
	n := net.Dialer{Timeout: d.times.connect, Resolver: d.resolver, Control: d.control}
	return n.DialContext(ctx, network, address)
}

func (d dialer) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errForbiddenDial
	}
	if !d.rules.permits(ap.Addr(), int(ap.Port())) {
		return errForbiddenDial
	}
	return nil
}

// throughProxy asks the operator's proxy for an address that was resolved and judged here (RFC 9110 section 9.3.6).
func (d dialer) throughProxy(ctx context.Context, address string) (net.Conn, error) {
	target, err := d.resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.times.connect+d.times.tls)
	defer cancel()
	conn, err := d.dialProxy(ctx)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if err := connect(conn, target, d.proxy); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return conn, nil
}

// resolve refuses a name when any of its addresses is refused: which one the proxy would have met is not ours to guess.
func (d dialer) resolve(ctx context.Context, address string) (string, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, d.times.connect)
	defer cancel()
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return "", ErrUnreachable
	}
	for _, a := range addrs {
		if !d.rules.permits(a, port) {
			return "", errForbiddenDial
		}
	}
	return net.JoinHostPort(addrs[0].Unmap().String(), service), nil
}

func (d dialer) dialProxy(ctx context.Context) (net.Conn, error) {
	port := d.proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[d.proxy.Scheme]
	}
	n := &net.Dialer{Timeout: d.times.connect, Resolver: d.resolver}
	address := net.JoinHostPort(d.proxy.Hostname(), port)
	if d.proxy.Scheme == "http" {
		return n.DialContext(ctx, "tcp", address)
	}
	t := tls.Dialer{NetDialer: n, Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.roots, ServerName: d.proxy.Hostname()}}
	return t.DialContext(ctx, "tcp", address)
}

func connect(conn net.Conn, target string, proxy *url.URL) error {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := r.Write(conn); err != nil {
		return err
	}
	// The target speaks only after we do (TLS, HTTP), so nothing of it can be lost in this reader. The reader is bounded: the
	// proxy is the operator's, but its answer comes over the network.
	resp, err := http.ReadResponse(bufio.NewReader(newLimited(conn, maxHeader)), r)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return ErrUnreachable
	}
	return nil
}
