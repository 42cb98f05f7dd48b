package chaos_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/e2e"
	"github.com/ssogate/ssogate/e2e/servers"
)

// balancer is a HAProxy with the configuration we ship: other ports, no TLS, and a socket that tells how it sees the nodes.
type balancer struct {
	url     string
	port    int
	ports   []int         // of the nodes
	notices time.Duration // how long it takes at most to send nobody to a node that says no
	file    string
	socket  string
}

// newBalancer gives out the ports. In the short form it looks at the nodes more often.
func newBalancer(t *testing.T, full bool) *balancer {
	t.Helper()
	b := &balancer{port: servers.FreePort(t), notices: 4 * time.Second}
	every := "inter 1s"
	if !full {
		b.notices, every = 2*time.Second, "inter 200ms"
	}
	b.url = fmt.Sprintf("http://%s:%d", host, b.port)
	dir, err := os.MkdirTemp("", "ssogate-haproxy-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b.file, b.socket = filepath.Join(dir, "haproxy.cfg"), filepath.Join(dir, "s")
	text, err := os.ReadFile(filepath.Join(e2e.Root(), "deploy", "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{
		"log stdout format raw local0", "log stdout format raw local0 err\n\tstats socket " + b.socket + " level user",
		"bind :443 ssl crt /etc/haproxy/auth.example.com.pem alpn h2,http/1.1", "bind 127.0.0.1:" + fmt.Sprint(b.port),
		"maxconn 20000", "maxconn 4000", "hdr Host auth.example.com", "hdr Host " + strings.TrimPrefix(b.url, "http://"), "inter 1s", every,
	}
	for _, node := range []string{"10.0.0.11:8080", "10.0.0.12:8080", "10.0.0.13:8080"} {
		b.ports = append(b.ports, servers.FreePort(t))
		changes = append(changes, node, fmt.Sprintf("127.0.0.1:%d", b.ports[len(b.ports)-1]))
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(string(text), changes[i]) {
			t.Fatalf("deploy/haproxy.cfg has no %q any more", changes[i])
		}
	}
	if err := os.WriteFile(b.file, []byte(strings.NewReplacer(changes...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *balancer) start(t *testing.T) {
	t.Helper()
	e2e.Start(t, "", "haproxy", "-db", "-f", b.file).WaitForPort(t, fmt.Sprintf("%s:%d", host, b.port))
}

// up counts the nodes that get requests.
func (b *balancer) up(t *testing.T) (up int) {
	t.Helper()
	c, err := net.Dial("unix", b.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "show servers state ssogate\n")
	lines := bufio.NewScanner(c)
	for lines.Scan() { // be_id be_name srv_id srv_name srv_addr srv_op_state …
		if f := strings.Fields(lines.Text()); len(f) > 6 && strings.HasPrefix(f[3], "node") && f[5] == "2" {
			up++
		}
	}
	return up
}
