package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/config"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/testidp"
)

func (a *app) demoCommand() *cobra.Command {
	var (
		once bool
		port int
	)
	c := &cobra.Command{
		Use: "demo", Short: "Try it: a gateway, test identity providers and two services in this one process",
		Long: "Try it: a gateway, test identity providers and two services in this one process, on loopback, everything embedded.\n" +
			"The identity provider is at http://localhost, the gateway at http://127.0.0.1: to a browser they are two sites, as\n" +
			"in production. Nothing is kept.",
		Args: exactly(0),
	}
	c.Flags().BoolVar(&once, "once", false, "sign in to every domain by itself, print each step and end")
	c.Flags().IntVar(&port, "port", 0, "port of the gateway; the services and the identity provider take the three after it (0: any free ones)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		log := quietLog(io.Discard)
		if !once {
			log = quietLog(c.ErrOrStderr())
		}
		d, err := openDemo(c.Context(), port, log)
		if err != nil {
			return err
		}
		defer d.close()
		ctx, stop := context.WithCancel(c.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { done <- d.server.Run(ctx) }()
		if once {
			err = d.once(ctx, c.OutOrStdout())
			stop()
			return errors.Join(err, <-done)
		}
		d.explain(c.OutOrStdout())
		return <-done
	}
	return c
}

// demo is a whole small world.
type demo struct {
	dir      string
	server   *server
	idp      *testidp.Provider
	http     []*http.Server
	services []demoService
	domains  []demoDomain
}

type demoService struct{ name, url string }

// demoDomain is a domain of the demo; login is who the demo signs in, account who that is here.
type demoDomain struct{ name, kind, login, account string }

// openDemo opens everything and serves the identity provider and the services; the gateway is served by the caller.
func openDemo(ctx context.Context, port int, log *slog.Logger) (_ *demo, err error) {
	d := &demo{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.dir, err = os.MkdirTemp("", "ssogate-demo-"); err != nil {
		return nil, err
	}
	gatewayAddr, err := pick(port)
	if err != nil {
		return nil, err
	}
	gatewayURL := "http://" + gatewayAddr
	for i, name := range []string{"board", "calendar"} {
		if err := d.serveService(name, gatewayURL, nextPort(port, i+1)); err != nil {
			return nil, err
		}
	}
	if err := d.serveProvider(nextPort(port, 3), log); err != nil {
		return nil, err
	}
	conf, err := d.config(gatewayAddr, gatewayURL)
	if err != nil {
		return nil, err
	}
	if d.server, err = openServer(ctx, conf, forCommands, log); err != nil {
		return nil, err
	}
	return d, d.apply(ctx, gatewayURL)
}

func pick(port int) (string, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func nextPort(port, i int) int {
	if port == 0 {
		return 0
	}
	return port + i
}

// config is that of a one-process installation whose customers' identity providers are on loopback.
func (d *demo) config(addr, public string) (*config.Config, error) {
	conf, err := config.Load("", []string{
		"SSOGATE_PUBLIC_URL=" + public, "SSOGATE_LISTEN=" + addr, "SSOGATE_OPERATOR_LISTEN=off", "SSOGATE_DATA_DIR=" + d.dir,
		"SSOGATE_TRUSTED_PROXIES=127.0.0.1/32",
	})
	if err != nil {
		return nil, err
	}
	conf.Outbound.AllowHTTP = true
	conf.Outbound.AllowNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	conf.Limits.LoginsPerAddress, conf.Limits.AnswersPerAddress = 0, 0
	return conf, nil
}

// serveService runs a sample application behind a proxy that asks the gateway who is signed in.
func (d *demo) serveService(name, gateway string, port int) error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	d.services = append(d.services, demoService{name: name, url: "http://" + l.Addr().String()})
	d.serve(l, testidp.ForwardAuth(gateway+"/auth/verify", testidp.SampleService(name, gateway+"/")))
	return nil
}

func (d *demo) serveProvider(port int, log *slog.Logger) error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	d.idp = testidp.New(testidp.Options{BaseURL: fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port), Log: log})
	d.serve(l, d.idp)
	return nil
}

func (d *demo) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	d.http = append(d.http, s)
	go s.Serve(l)
}

func (d *demo) close() {
	for _, s := range d.http {
		s.Close()
	}
	if d.idp != nil {
		d.idp.Close()
	}
	if d.dir != "" {
		os.RemoveAll(filepath.Clean(d.dir))
	}
}

// apply brings five ready domains, one per kind of connection, with the same two people in each.
func (d *demo) apply(ctx context.Context, gateway string) error {
	var w directory.Wanted
	for _, s := range d.services {
		w.Services = append(w.Services, directory.Service{Name: s.name, AccessHosts: []string{s.url}})
	}
	add := func(name, kind string, key directory.UserKey, c *directory.WantedConnection) {
		d.domains = append(d.domains, demoDomain{name: name, kind: kind, login: "taro", account: "taro@" + name})
		logout := []string{gateway}
		w.Domains = append(w.Domains, directory.WantedDomain{
			Name: name, UserKey: key, Connection: c, Members: demoMembers(name), LogoutRedirectionDomains: &logout,
		})
		acs := gateway + "/acs/" + name
		d.idp.AddServiceProvider(testidp.SAMLClient{EntityID: gateway + "/saml/" + name + "/metadata", ACS: []string{acs}})
		d.idp.AddClient(testidp.OAuthClient{
			ID: name, Secret: "demo-secret-" + name, RedirectURIs: []string{gateway + "/oauth/" + name + "/callback"},
			Profile: profileOf(c),
		})
	}
	saml := &directory.WantedConnection{Type: directory.SAML, SAML: &directory.WantedSAML{SAMLSettings: directory.SAMLSettings{
		MetadataURL: d.idp.URL("/saml/metadata"), MetadataKeys: directory.KeysAdd, LogoutURL: d.idp.URL("/logout"),
	}}}
	add("saml-key.example", "SAML 2.0, by external key", directory.ByExternalKey, saml)
	byAccount := *saml.SAML
	byAccount.UserKeyAttribute = "account-saml"
	add("saml-account.example", "SAML 2.0, by account", directory.ByAccount, &directory.WantedConnection{Type: directory.SAML, SAML: &byAccount})
	for _, o := range []struct {
		name, kind string
		settings   directory.OAuthSettings
	}{
		{"works.example", "OAuth 2.0, works contract", directory.OAuthSettings{
			Profile: directory.ProfileWorks, AuthURL: d.idp.URL("/works/login"), AppAuthURL: d.idp.URL("/works/app-login"),
			TokenURL: d.idp.URL("/works/token"), UserInfoURL: d.idp.URL("/works/userinfo"), LogoutURL: d.idp.URL("/logout"),
		}},
		{"oauth2.example", "OAuth 2.0, any provider", directory.OAuthSettings{
			Profile: directory.ProfileOAuth2, AuthURL: d.idp.URL("/authorize"), TokenURL: d.idp.URL("/token"), UserInfoURL: d.idp.URL("/userinfo"),
		}},
		{"oidc.example", "OpenID Connect", directory.OAuthSettings{Profile: directory.ProfileOIDC, Issuer: d.idp.URL("")}},
	} {
		o.settings.ClientID, o.settings.ClientSecret = o.name, "demo-secret-"+o.name
		add(o.name, o.kind, directory.ByExternalKey,
			&directory.WantedConnection{Type: directory.OAuth, OAuth: &directory.WantedOAuth{OAuthSettings: o.settings}})
	}
	d.people()
	_, err := d.server.directory.Apply(ctx, "demo", w)
	return err
}

func profileOf(c *directory.WantedConnection) testidp.Profile {
	if c.OAuth == nil {
		return ""
	}
	return testidp.Profile(c.OAuth.Profile)
}

// people are those whom the identity provider knows: two members, and somebody who is not registered anywhere.
func (d *demo) people() {
	for _, p := range []testidp.Person{
		{Login: "taro", Subject: "emp-1001", Email: "taro@saml-account.example", FamilyName: "Yamada", GivenName: "Taro"},
		{Login: "hanako", Subject: "emp-1002", Email: "hanako@saml-account.example", FamilyName: "Sato", GivenName: "Hanako"},
		{Login: "stranger", Subject: "emp-9999", Email: "stranger@saml-account.example", FamilyName: "Nobody", GivenName: "Knows"},
	} {
		p.Attributes = map[string][]string{"account-saml": {p.Email}}
		d.idp.AddPerson(p)
	}
}

func demoMembers(domain string) []directory.WantedMember {
	text := func(s string) *string { return &s }
	return []directory.WantedMember{
		{Account: "taro@" + domain, ExternalKey: text("emp-1001"), FamilyName: text("Yamada"), GivenName: text("Taro"), Language: "ja-JP"},
		{Account: "hanako@" + domain, ExternalKey: text("emp-1002"), FamilyName: text("Sato"), GivenName: text("Hanako"), Language: "ja-JP"},
	}
}

// loginURL is what a person of that domain opens to get to the first service.
func (d *demo) loginURL(domain string) string {
	to := d.server.conf.PublicURL.JoinPath("d", "login", domain)
	to.RawQuery = url.Values{"accessUrl": {d.services[0].url + "/"}}.Encode()
	return to.String()
}

func (d *demo) explain(w io.Writer) {
	fmt.Fprintf(w, "ssogate demo: everything runs in this process, on loopback; Ctrl-C ends it and keeps nothing.\n\n")
	fmt.Fprintf(w, "  gateway             %s\n  identity provider   %s (a test provider: press a name to sign in)\n", d.server.conf.PublicURL, d.idp.URL(""))
	for _, s := range d.services {
		fmt.Fprintf(w, "  service %-11s %s (behind forward-auth: open it to be sent to the login)\n", s.name, s.url)
	}
	fmt.Fprintf(w, "\nOpen one of these in a browser and sign in as taro or hanako; stranger shows what a refusal looks like:\n\n")
	for _, each := range d.domains {
		fmt.Fprintf(w, "  %-28s %s\n", each.kind, d.loginURL(each.name))
	}
	fmt.Fprintln(w)
}
