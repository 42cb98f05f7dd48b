package session_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/ssogate/ssogate/e2e/servers"
	"github.com/ssogate/ssogate/session"
)

func TestRedisOptionsThatCannotWork(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	must(t, os.WriteFile(empty, nil, 0o600))
	one := []string{"127.0.0.1:1"}
	for name, o := range map[string]session.RedisOptions{
		"no address":             {},
		"several for single":     {Addresses: []string{"a:1", "b:1"}},
		"sentinel without group": {Mode: "sentinel", Addresses: one},
		"cluster with database":  {Mode: "cluster", Addresses: one, DB: 1},
		"unknown mode":           {Mode: "redis", Addresses: one},
		"no such file":           {Addresses: one, TLS: true, CAFile: filepath.Join(t.TempDir(), "no.pem")},
		"no certificate in it":   {Addresses: one, TLS: true, CAFile: empty},
	} {
		if s, err := session.OpenRedis(bg, o); err == nil || !strings.HasPrefix(err.Error(), "session: ") {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestRedisWithPasswordOverTLS(t *testing.T) {
	certificate, key := selfSigned(t)
	secure := fmt.Sprint(servers.FreePort(t))
	p := servers.NewRedis(t, "--requirepass", "secret", "--tls-port", secure, "--tls-cert-file", certificate, "--tls-key-file", key,
		"--tls-ca-cert-file", certificate, "--tls-auth-clients", "no")
	t.Cleanup(p.Stop)
	o := session.RedisOptions{Addresses: []string{"127.0.0.1:" + secure}, Password: "secret", TLS: true, CAFile: certificate, DB: 3}
	good := openRedis(t, o)
	eventually(t, "the TLS port is open", func() bool { return good.Ping(bg) == nil })
	must(t, good.Set(bg, "a", []byte("1"), 0))

	for name, change := range map[string]func(o *session.RedisOptions){
		"unknown authority": func(o *session.RedisOptions) { o.CAFile = "" },
		"wrong name":        func(o *session.RedisOptions) { o.ServerName = "other.example" },
		"wrong password":    func(o *session.RedisOptions) { o.Password = "wrong" },
		"unknown user":      func(o *session.RedisOptions) { o.Username = "nobody" },
		"plain":             func(o *session.RedisOptions) { o.TLS = false },
	} {
		bad := o
		change(&bad)
		if _, err := openRedis(t, bad).Get(bg, "a"); err == nil {
			t.Errorf("%s: connected", name)
		}
	}
}

// selfSigned makes a certificate for 127.0.0.1 that is its own authority.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), IsCA: true,
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	certificate, key = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	must(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public}), 0o600))
	must(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}

func TestCheckTellsWhatAServerIs(t *testing.T) {
	for name, tc := range map[string]struct {
		words []string
		want  []string // texts in findings
		fault bool
	}{
		"good":                     {nil, []string{"redis 7.", "master", "noeviction"}, false},
		"volatile-ttl":             {[]string{"--maxmemory-policy", "volatile-ttl"}, []string{"volatile-ttl"}, false},
		"evicts what it likes":     {[]string{"--maxmemory-policy", "allkeys-lru"}, []string{"allkeys-lru", "want noeviction or volatile-ttl"}, true},
		"evicts by use":            {[]string{"--maxmemory-policy", "volatile-lru"}, []string{"want noeviction or volatile-ttl"}, true},
		"replica":                  {[]string{"--replicaof", "127.0.0.1 1"}, []string{"takes no writes"}, true},
		"does not talk of itself":  {[]string{"--rename-command", "INFO", ""}, []string{"permission for INFO is missing"}, false},
		"asks for a password, too": {[]string{"--requirepass", "x"}, []string{"NOAUTH"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := servers.NewRedis(t, tc.words...)
			t.Cleanup(p.Stop)
			text, fault := "", false
			for _, f := range session.Check(bg, openRedis(t, session.RedisOptions{Addresses: []string{p.Addr}})) {
				text += f.Text + "\n"
				fault = fault || f.Fault
			}
			if fault != tc.fault {
				t.Errorf("fault %v, want %v: %s", fault, tc.fault, text)
			}
			for _, want := range tc.want {
				if !strings.Contains(text, want) {
					t.Errorf("lacks %q: %s", want, text)
				}
			}
		})
	}
}

func TestCheckPassesWhatDoesNotTell(t *testing.T) {
	m := miniredis.RunT(t)
	found := session.Check(bg, openRedis(t, session.RedisOptions{Addresses: []string{m.Addr()}}))
	if len(found) != 1 || found[0].Fault || !strings.Contains(found[0].Text, "unknown") {
		t.Fatalf("%+v", found)
	}
}
