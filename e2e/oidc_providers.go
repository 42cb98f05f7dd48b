package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/ssogate/ssogate/e2e/servers"
)

const (
	discovery = "/.well-known/openid-configuration"
	password  = "correct horse" // of everybody, where a provider asks for one
)

// OIDCProviderNode starts node/oidc-provider.mjs. Everybody may sign in; the name is the subject and the e-mail. Further
// client metadata (id_token_signed_response_alg, token_endpoint_auth_method, …) comes as name, value pairs.
func OIDCProviderNode(t testing.TB, c OIDCClient, metadata ...string) *OIDCProvider {
	t.Helper()
	port := servers.FreePort(t)
	client := map[string]any{"client_id": c.ID, "client_secret": c.Secret, "redirect_uris": []string{c.RedirectURI}}
	for i := 0; i+1 < len(metadata); i += 2 {
		client[metadata[i]] = metadata[i+1]
	}
	settings, err := json.Marshal(map[string]any{"port": port, "clients": []any{client}})
	if err != nil {
		t.Fatal(err)
	}
	p := Start(t, node(t), "node", node(t, "oidc-provider.mjs"), string(settings))
	p.WaitFor(t, localhost(port)+discovery)
	return &OIDCProvider{
		Name: "oidc-provider", Issuer: localhost(port), Process: p,
		SignIn:  func(user string) Form { return Form{Fields: map[string]string{"login": user}, Submit: "button"} },
		Subject: func(user string) string { return user },
	}
}

// Dex starts Dex with static passwords for the given people (e-mail addresses). Its subjects are opaque.
func Dex(t testing.TB, c OIDCClient, people ...string) *OIDCProvider {
	t.Helper()
	port := servers.FreePort(t)
	issuer := localhost(port) + "/dex"
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 10) // Dex refuses less
	if err != nil {
		t.Fatal(err)
	}
	var passwords []any
	for _, user := range people {
		passwords = append(passwords, map[string]any{"email": user, "hash": string(hash), "username": user, "userID": user})
	}
	// JSON is YAML.
	settings, err := json.Marshal(map[string]any{
		"issuer":           issuer,
		"storage":          map[string]any{"type": "memory"},
		"web":              map[string]any{"http": fmt.Sprintf("127.0.0.1:%d", port)},
		"oauth2":           map[string]any{"skipApprovalScreen": true},
		"enablePasswordDB": true,
		"staticPasswords":  passwords,
		"staticClients": []any{map[string]any{
			"id": c.ID, "secret": c.Secret, "name": "Gateway", "redirectURIs": []string{c.RedirectURI},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := Start(t, "", foreign(t, "dex"), "serve", writeFile(t, "dex.json", settings))
	p.WaitFor(t, issuer+discovery)
	return &OIDCProvider{
		Name: "dex", Issuer: issuer, Process: p,
		SignIn: func(user string) Form {
			return Form{Fields: map[string]string{"login": user, "password": password}, Submit: "#submit-login"}
		},
		Subject: dexSubject,
	}
}

// dexSubject is a small protobuf message, field 1 the user, field 2 the connector, in base64.
func dexSubject(user string) string {
	raw := fmt.Sprintf("\x0a%c%s\x12\x05local", rune(len(user)), user)
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

// Zitadel starts the example provider of zitadel/oidc for the given people (e-mail addresses). Its issuer ends with a slash,
// its subjects are the part before the @, and the e-mail stands in user info alone.
func Zitadel(t testing.TB, c OIDCClient, people ...string) *OIDCProvider {
	t.Helper()
	port := servers.FreePort(t)
	subject := func(user string) string {
		name, _, _ := strings.Cut(user, "@")
		return name
	}
	users := map[string]any{}
	for _, user := range people {
		users[subject(user)] = map[string]any{
			"ID": subject(user), "Username": user, "Password": password, "FirstName": "Given", "LastName": "Family",
			"Email": user, "EmailVerified": true,
		}
	}
	file, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	p := Start(t, "", foreign(t, "zitadel"), "-port", fmt.Sprint(port), "-client-id", c.ID, "-client-secret", c.Secret,
		"-redirect-uri", c.RedirectURI, "-users", writeFile(t, "users.json", file))
	p.WaitFor(t, localhost(port)+discovery)
	return &OIDCProvider{
		Name: "zitadel", Issuer: localhost(port) + "/", Process: p,
		SignIn: func(user string) Form {
			return Form{Fields: map[string]string{"username": user, "password": password}, Submit: "button"}
		},
		Subject: subject,
	}
}
