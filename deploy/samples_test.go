package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ssogate/ssogate/service"
)

// Traefik is not run by a test: what its sample stands on is checked here.
func TestTraefikSampleNamesEverySpelling(t *testing.T) {
	var sample struct {
		HTTP struct {
			Routers map[string]struct {
				Middlewares []string
				Service     string
			}
			Middlewares map[string]struct {
				ForwardAuth struct {
					Address                  string
					TrustForwardHeader       *bool  `yaml:"trustForwardHeader"`
					AuthResponseHeadersRegex string `yaml:"authResponseHeadersRegex"`
				} `yaml:"forwardAuth"`
			}
			Services map[string]any
		}
	}
	text, err := os.ReadFile("traefik.yaml")
	must(t, err)
	must(t, yaml.Unmarshal(text, &sample))
	board := sample.HTTP.Routers["board"]
	if len(board.Middlewares) != 1 || sample.HTTP.Services[board.Service] == nil {
		t.Fatalf("router %+v", board)
	}
	auth := sample.HTTP.Middlewares[board.Middlewares[0]].ForwardAuth
	if auth.TrustForwardHeader == nil || *auth.TrustForwardHeader || !strings.Contains(auth.Address, "/auth/verify") {
		t.Fatalf("middleware %+v", auth)
	}
	names := regexp.MustCompile(auth.AuthResponseHeadersRegex)
	for _, name := range []string{service.HeaderUser, service.HeaderEmail, service.HeaderPreferred, service.HeaderName,
		service.HeaderMember, service.HeaderDomain, service.HeaderExternalKey, service.HeaderExpires, service.HeaderJWT} {
		for _, spelling := range []string{name, strings.ToLower(name), strings.ReplaceAll(name, "-", "_"), strings.Replace(name, "-", "_", 1)} {
			if !names.MatchString(spelling) {
				t.Errorf("%s is not matched", spelling)
			}
		}
	}
	if names.MatchString("Cookie") || names.MatchString("Y-X-Auth-Request-User") {
		t.Error("other headers are matched")
	}
}

// The proxies name each header that ssogate answers with: one left out would be the browser's to write.
func TestSamplesNameEveryIdentityHeader(t *testing.T) {
	for _, file := range []string{"nginx.conf", "Caddyfile"} {
		text := sample(t, file)
		for _, name := range []string{service.HeaderUser, service.HeaderEmail, service.HeaderPreferred, service.HeaderName,
			service.HeaderMember, service.HeaderDomain, service.HeaderExternalKey, service.HeaderExpires, service.HeaderJWT} {
			if !regexp.MustCompile(`(?m)^\s*(proxy_set_header )?` + name + `( \$auth_\w+;)?$`).MatchString(text) {
				t.Errorf("%s does not name %s", file, name)
			}
		}
	}
}

// Every setting that image and compose make exists.
func TestContainerSamplesSetWhatExists(t *testing.T) {
	reference, err := os.ReadFile("../docs/configuration.md")
	must(t, err)
	var compose map[string]any
	must(t, yaml.Unmarshal([]byte(sample(t, "compose.yaml")), &compose))
	found := 0
	for _, file := range []string{"compose.yaml", "Dockerfile"} {
		for _, name := range regexp.MustCompile(`\bSSOGATE_[A-Z_]+\b`).FindAllString(sample(t, file), -1) {
			found++
			if !strings.Contains(string(reference), "`"+strings.TrimSuffix(name, "_FILE")+"`") {
				t.Errorf("%s: %s is no setting", file, name)
			}
		}
	}
	if found < 8 {
		t.Fatalf("only %d settings were found", found)
	}
}
