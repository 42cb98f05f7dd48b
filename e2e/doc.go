// Package e2e runs whole programs against one another: the real gateway, identity providers that nobody here wrote, real
// Redis and PostgreSQL, proxies, and a real browser. Nothing in it is part of the gateway.
//
//	process.go    programs that die with the test
//	keys.go       throw-away keys and certificates
//	provider.go   what all providers have in common; saml_providers.go and oidc_providers.go start them
//	person.go     somebody without a browser: follows redirects, fills forms
//	browser.go    Chromium, driven through node/browser.mjs
//	catcher.go    a service provider that only catches what comes back
//
// Providers are known as localhost and the gateway as 127.0.0.1: to Chromium these are different sites, as in production, so
// a Lax cookie does not come with the POST to the assertion consumer service, and both may set Secure cookies.
//
// What the machine must have is installed by "make tools"; what is missing fails a test and never skips it.
package e2e

import (
	"testing"

	"github.com/ssogate/ssogate/e2e/servers"
)

// Main runs the tests of a package and then stops the shared browser and servers. Call it from TestMain; it returns the
// exit code.
func Main(m *testing.M) int {
	defer stopBrowser()
	return servers.Main(m)
}
