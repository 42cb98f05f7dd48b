package config_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ssogate/ssogate/config"
)

var update = flag.Bool("update", false, "write what the tests expect")

// cases walks testdata/<kind>; a walk over nothing fails.
func cases(t *testing.T, kind string, least int, each func(t *testing.T, dir string, environ []string)) {
	t.Helper()
	dirs, err := filepath.Glob("testdata/" + kind + "/*")
	if err != nil || len(dirs) < least {
		t.Fatalf("testdata/%s has %d cases, want at least %d", kind, len(dirs), least)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var environ []string
			if b, err := os.ReadFile(dir + "/env.txt"); err == nil {
				environ = strings.Split(strings.TrimSpace(string(b)), "\n")
			}
			each(t, dir, environ)
		})
	}
}

// expect compares with a file, or writes it with -update.
func expect(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func TestBad(t *testing.T) {
	cases(t, "bad", 40, func(t *testing.T, dir string, environ []string) {
		c, err := config.Load(dir+"/ssogate.yaml", environ)
		if err == nil || c != nil {
			t.Fatalf("accepted: %v", c)
		}
		if _, ok := err.(config.Faults); !ok {
			t.Errorf("error is a %T", err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a fault repeats a secret: %v", err)
		}
		expect(t, dir+"/expect.txt", err.Error()+"\n")
	})
}

func TestGood(t *testing.T) {
	cases(t, "good", 5, func(t *testing.T, dir string, environ []string) {
		c, err := config.Load(dir+"/ssogate.yaml", environ)
		if err != nil {
			t.Fatal(err)
		}
		text := c.Redacted()
		if strings.Contains(text, "hunter2") || strings.Contains(text, "not a reference") || strings.Contains(text, "MDEy") || strings.Contains(text, "QUJD") {
			t.Errorf("a secret is shown:\n%s", text)
		}
		expect(t, dir+"/expect.yaml", text)
	})
}

func TestValues(t *testing.T) {
	b, err := os.ReadFile("testdata/good/production/env.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("testdata/good/production/ssogate.yaml", strings.Split(string(b), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL.String() != "https://sso.example.com" {
		t.Errorf("public URL %s", c.PublicURL)
	}
	want := config.Redis{
		Mode: "sentinel", Addresses: []string{"s1.example.com:26379", "s2.example.com:26379"}, Master: "main", Username: "ssogate",
		Password: "hunter2", SentinelPassword: "${not a reference}", DB: 3, TLS: true, Prefix: "ssogate-prod",
	}
	if d := cmp.Diff(want, c.Redis); d != "" {
		t.Errorf("redis: %s", d)
	}
	if c.Database.URL != "postgres://ssogate:hunter2@db.example.com:5432/ssogate?sslmode=verify-full" || c.Database.MaxConns != 50 {
		t.Errorf("database %+v", c.Database)
	}
	if c.Keys.Current != "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" || len(c.Keys.Previous) != 1 {
		t.Errorf("keys %+v", c.Keys)
	}
	if d := cmp.Diff(config.Session{Absolute: 12 * time.Hour, AppAbsolute: 720 * time.Hour, Idle: 30 * time.Minute, LoginWindow: 10 * time.Minute, CookieDomain: "example.com"}, c.Session); d != "" {
		t.Errorf("session: %s", d)
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("fd00::/8")}
	if d := cmp.Diff(proxies, c.TrustedProxies, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
		t.Errorf("proxies: %s", d)
	}
	if c.SAML.ProviderName != "Beispiel & Söhne" || c.Limits.Drain != 90*time.Second || c.Limits.LoginsPerAddress != 0 || c.Log.Level != "debug" {
		t.Errorf("%+v %+v %+v", c.SAML, c.Limits, c.Log)
	}
	services := []config.Service{
		{Name: "board", AccessHosts: []string{"board.example.com", "*.corp.example", "http://localhost:3000"}},
		{Name: "wiki", AccessHosts: []string{"wiki.example.com:8443"}},
	}
	if d := cmp.Diff(services, c.Services); d != "" {
		t.Errorf("services: %s", d)
	}
}

func TestEnvironmentGoesFirst(t *testing.T) {
	b, err := os.ReadFile("testdata/good/environment-over-file/env.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load("testdata/good/environment-over-file/ssogate.yaml", strings.Split(strings.TrimSpace(string(b)), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:2" || c.Redis.Addresses[0] != "b:6379" || c.Redis.Password != "hunter2" || len(c.Keys.Previous) != 2 ||
		len(c.TrustedProxies) != 0 || !cmp.Equal(c.Outbound.AllowPorts, []int{8443, 9443}) {
		t.Errorf("%+v", c)
	}
}

func TestDefaults(t *testing.T) {
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL.String() != "http://127.0.0.1:8080" || c.Listen != "127.0.0.1:8080" || c.OperatorListen != "127.0.0.1:9090" ||
		c.Database.URL != "sqlite:ssogate-data/directory.db" || c.Redis.Mode != "embedded" || c.Session.Absolute != 24*time.Hour ||
		c.Session.LoginWindow != 30*time.Minute || c.Identity.Audience != "http://127.0.0.1:8080" || c.Keys.Current != "" {
		t.Errorf("%+v", c)
	}
	if _, err := config.Load("testdata/no-such-file.yaml", nil); err == nil {
		t.Error("a file that does not exist was loaded")
	}
}

// TestReference: what Describe writes loads as the defaults, and the page in docs is what the program says.
func TestReference(t *testing.T) {
	var b strings.Builder
	if err := config.Describe(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ssogate.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	described, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(defaults, described, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the reference sets something: %s", d)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(line) > 140 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
	b.Reset()
	if err := config.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	expect(t, "../docs/configuration.md", b.String())
}
