// Package sso is the login itself: from /d/login/{domain} through the company's identity provider back to the accessUrl.
//
// The story is told by three files. login.go starts: it finds the domain, judges the accessUrl, asks the domain's Connector
// where to send the browser, stores one Login record under a random handle and binds it to the browser by a cookie of its
// own. The browser then leaves for the identity provider with the handle as RelayState or state. callback.go is the only way
// back in: it takes the record in one atomic step, proves that it belongs to this browser and this domain, lets the Connector
// judge the message, marks the message as used, finds the member through the directory, starts a session under a new ID and
// sends the browser to the accessUrl, which is judged again.
//
// Steps never call one another: each reads the record and returns. Any refusal, wherever it happens, is one safe page with a
// reference number for the person, and one Attempt with every check, what was wanted, what came and who must fix it for the
// domain's administrator (attempt.go). arriving.go is what holds for every answer before it is read, start.go how long a session
// lives, refusal.go what the person sees for which reason, views.go how fresh a domain is, refresh.go the provider's metadata.
//
// Routes:
//
//	GET      /                          who is signed in here
//	GET      /login                     asks for the account, goes on to the domain's login
//	GET      /d/login/{domain}          starts a login
//	POST     /acs/{domain}              SAML assertion consumer service (HTTP-POST binding)
//	POST     /acs/{domain}/continue     a person confirms an IdP-initiated sign-in
//	GET      /oauth/{domain}/callback   OAuth redirect URI
//	GET      /saml/{domain}/metadata    our service provider metadata for that domain
//	GET,POST /d/logout/{domain}         logout
//	POST     /login/check/{sessionKey}  whether a login really came from an app (line-works.md section 1.6)
//
// What it refuses: unknown or disabled domains on every path, addresses that are not listed, answers without the browser's
// cookie, answers that come twice, late, for another domain or after the connection was replaced, and every member who is
// not in use. When Redis or the database does not answer, nobody is signed in: 503.
package sso
