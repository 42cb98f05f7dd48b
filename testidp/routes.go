package testidp

import "net/http"

const discoveryPath = "/.well-known/openid-configuration"

// routes is the whole surface. Answers of services' back channels can be replaced by a Fault.
func (p *Provider) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.handleHome)
	mux.HandleFunc("POST /sign-in", p.handleSignIn)
	mux.HandleFunc("GET /logout", p.handleLogout)

	mux.HandleFunc("GET /saml/sso", p.handleSSO)
	mux.HandleFunc("POST /saml/sso", p.handleSSO)
	mux.HandleFunc("GET /saml/start", p.handleStart)
	mux.HandleFunc("GET /saml/metadata", p.faulty(func(k Knobs) Fault { return k.AtMetadata }, p.handleMetadata))

	token := func(k Knobs) Fault { return k.AtToken }
	userInfo := func(k Knobs) Fault { return k.AtUserInfo }
	mux.HandleFunc("GET /authorize", p.handleAuthorize)
	mux.HandleFunc("POST /authorize", p.handleAuthorize)
	mux.HandleFunc("POST /token", p.faulty(token, p.handleToken))
	mux.HandleFunc("GET /userinfo", p.faulty(userInfo, p.handleUserInfo))
	mux.HandleFunc("POST /userinfo", p.faulty(userInfo, p.handleUserInfo))
	mux.HandleFunc("GET /jwks", p.faulty(func(k Knobs) Fault { return k.AtJWKS }, p.handleJWKS))
	mux.HandleFunc("GET "+discoveryPath, p.faulty(func(k Knobs) Fault { return k.AtDiscovery }, p.handleDiscovery))

	mux.HandleFunc("GET /works/login", p.handleAuthorize)
	mux.HandleFunc("GET /works/app-login", p.handleAppLogin)
	mux.HandleFunc("POST /works/token", p.faulty(token, p.handleWorksToken))
	mux.HandleFunc("POST /works/userinfo", p.faulty(userInfo, p.handleWorksUserInfo))
	mux.HandleFunc("/redirected", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("{}")) })
	return mux
}
