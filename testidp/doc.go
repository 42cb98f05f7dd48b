// Package testidp is an identity provider for tests and the demo: SAML 2.0, OAuth 2.0, OpenID Connect and the works contract
// behind one http.Handler. It behaves well by default; SetSAML and SetOAuth choose among honest varieties (which element is
// signed, by which key, encrypted or not), and Misbehave makes it do what a well-behaved provider never does.
//
// The way of a sign-in is the same for every protocol:
//
//	GET, POST /saml/sso   GET /saml/start         saml_request.go: whose request is it, may it be answered?
//	GET /authorize        GET /works/login, …     oauth_authorize.go
//	   → signin.go: who is it? ?auto=, Options.AutoLogin, the cookie, or the page with one button per person
//	   → POST /sign-in
//	   → the answer: a form for the assertion consumer service (saml_answer.go), or a redirect with a code (oauth_code.go)
//	POST /token, /works/token    GET, POST /userinfo, POST /works/userinfo    GET /jwks, discovery and metadata
//
// There is no password: whoever opens the page signs in as anybody. It must never stand in front of anything real, and every
// page says so. Tests read what was sent (LastResponse), what was asked (LastRequest) and how often (Count).
package testidp
