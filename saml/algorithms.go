package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
)

// signatureAlgorithm is one allowed SignatureMethod.
type signatureAlgorithm struct {
	x509     x509.SignatureAlgorithm
	ecdsa    bool
	insecure bool // SHA-1: only with Expect.InsecureSHA1
}

func signatureAlgorithmOf(uri string) (signatureAlgorithm, bool) {
	switch uri {
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256":
		return signatureAlgorithm{x509: x509.SHA256WithRSA}, true
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":
		return signatureAlgorithm{x509: x509.SHA384WithRSA}, true
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":
		return signatureAlgorithm{x509: x509.SHA512WithRSA}, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256":
		return signatureAlgorithm{x509: x509.ECDSAWithSHA256, ecdsa: true}, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384":
		return signatureAlgorithm{x509: x509.ECDSAWithSHA384, ecdsa: true}, true
	case "http://www.w3.org/2000/09/xmldsig#rsa-sha1":
		return signatureAlgorithm{x509: x509.SHA1WithRSA, insecure: true}, true
	}
	return signatureAlgorithm{}, false
}

// digestHash is the hash of an allowed DigestMethod; 0 for any other.
func digestHash(uri string) crypto.Hash {
	switch uri {
	case "http://www.w3.org/2001/04/xmlenc#sha256":
		return crypto.SHA256
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512
	case "http://www.w3.org/2000/09/xmldsig#sha1":
		return crypto.SHA1
	}
	return 0
}

// usable tells whether a key fits the algorithm and is strong enough.
func (a signatureAlgorithm) usable(c *x509.Certificate) bool {
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return !a.ecdsa && key.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return a.ecdsa && (key.Curve == elliptic.P256() || key.Curve == elliptic.P384())
	}
	return false
}
