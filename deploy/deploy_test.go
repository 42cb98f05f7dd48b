// Package deploy_test runs the proxies with the samples of this folder before the real check and a service that tells what
// reached it. Only addresses, ports and certificates of the samples are replaced.
package deploy_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ssogate/ssogate/service"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// town is ssogate's check, a service behind it, and somebody who is signed in.
type town struct {
	ssogate, board string // host:port
	cookie         string
	state          session.State
	client         *http.Client
}

func newTown(t *testing.T) *town {
	t.Helper()
	state, err := session.OpenEmbedded(filepath.Join(t.TempDir(), "state.db"), nil)
	must(t, err)
	t.Cleanup(func() { state.Close() })
	sessions := session.NewManager(session.Options{State: state, CookieDomain: "example.com"})
	cookie, err := sessions.Start(context.Background(), session.Record{MemberID: "mem_1", DomainID: "dom_1", Domain: "mycompany.com",
		Account: "taro@mycompany.com", Name: "山田 太郎", Protocol: "saml", Expires: time.Now().Add(time.Hour)})
	must(t, err)

	public, _ := url.Parse("https://auth.example.com")
	mux := web.NewMux(web.Options{PublicURL: public, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Log: slog.New(slog.DiscardHandler), Now: time.Now})
	service.New(service.Options{PublicURL: public, Sessions: sessions, Log: slog.New(slog.DiscardHandler), Judge: judge}).Routes(mux)
	c := &town{cookie: sessions.CookieName() + "=" + cookie, state: state, ssogate: serve(t, mux), board: serve(t, http.HandlerFunc(tell))}
	c.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true},
		Timeout:       10 * time.Second,
	}
	t.Cleanup(c.client.CloseIdleConnections)
	return c
}

// judge lets people back to the service only.
func judge(_ context.Context, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "board.example.com" {
		return "", errors.New("refused")
	}
	return u.String(), nil
}

// told is what the service saw.
type told struct {
	Method, URI string
	Header      http.Header
}

func tell(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(told{r.Method, r.RequestURI, r.Header})
}

func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample reads a file of this folder and replaces words; each must be there.
func sample(t *testing.T, file string, replace ...string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	text := string(b)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("%s does not contain %q", file, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return text
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// start runs a proxy until the end of the test and waits until its port is open.
func start(t *testing.T, port string, environ []string, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
	}
	var log strings.Builder
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, log.String())
		}
	})
	limit, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s does not listen on %s", name, port)
		}
	}
}
