package saml_test

import (
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"github.com/ssogate/ssogate/saml"
)

// TestThePanicFenceHolds hands in a key that cannot exist; nothing a message holds is known to get there.
func TestThePanicFenceHolds(t *testing.T) {
	t.Parallel()
	e := expectation{}.expect()
	e.Certificates = []*x509.Certificate{{PublicKey: (*rsa.PublicKey)(nil)}}
	claims, checks, err := saml.Verify([]byte(sign(baseResponse, onAssertion)), e)
	assertRefused(t, claims, checks, err, "saml_internal")
}
