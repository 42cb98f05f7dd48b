package directory

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"
)

const mostCertificates = 16

// cleanCertificates reads every PEM text, of which each may hold several certificates, and returns them one by one in the
// same writing. Expired ones are allowed: the certificate carries a key that the administrator chose to trust, and many
// identity providers sign with an expired one for years.
func cleanCertificates(texts []string, field string, f *Faults) []string {
	var out []string
	for i, text := range texts {
		at := field + "[" + strconv.Itoa(i) + "]"
		rest := []byte(strings.TrimSpace(text))
		if len(rest) == 0 {
			f.add(at, FaultRequired, "empty")
			continue
		}
		for len(rest) > 0 {
			var block *pem.Block
			block, rest = pem.Decode(rest)
			if block == nil || block.Type != "CERTIFICATE" {
				f.add(at, FaultPEM, "want a certificate in PEM: -----BEGIN CERTIFICATE-----")
				break
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				f.add(at, FaultPEM, "the certificate cannot be read")
				break
			}
			if !strongKey(cert.PublicKey) {
				f.add(at, FaultWeakKey, "want an RSA key of 2048 to 8192 bits, or an ECDSA key on P-256 or P-384")
				break
			}
			out = appendNew(out, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})))
			rest = []byte(strings.TrimSpace(string(rest)))
		}
	}
	if len(out) > mostCertificates {
		f.add(field, FaultTooLong, "at most "+strconv.Itoa(mostCertificates)+" certificates")
	}
	return out
}

// strongKey: larger RSA keys are refused as well, because every sign-in would pay for them.
func strongKey(key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256() || k.Curve == elliptic.P384()
	}
	return false
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
