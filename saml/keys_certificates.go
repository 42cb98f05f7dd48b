package saml

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	pastedLimit      = 256 << 10 // bytes of pasted certificates
	certificateLimit = 16        // certificates of one identity provider

	pemBegin  = "-----BEGIN "
	pemEnd    = "-----END "
	pemDashes = "-----"
)

// ParseCertificates reads the certificates of an identity provider as people paste them: PEM blocks (text around them is
// ignored, line ends may be lost or written as \n), one bare base64 DER as it stands in metadata, or a DER file. Duplicates
// are dropped, the order is kept, at most 16. Expired ones are accepted: their dates are judged elsewhere. Keys are RSA with
// 2048 to 8192 bits or ECDSA on P-256 or P-384. Errors are *Refusal and never repeat a pasted private key.
func ParseCertificates(pem string) ([]*x509.Certificate, error) {
	if len(pem) > pastedLimit {
		return nil, certificateFault("saml_certificate_too_large", "at most 256 KiB", strconv.Itoa(len(pem))+" bytes")
	}
	blocks, err := pastedBlocks(strings.TrimPrefix(pem, "\uFEFF"))
	if err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	for _, der := range blocks {
		certificate, err := parseCertificate(der)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(certificates, certificate.Equal) {
			certificates = append(certificates, certificate)
		}
	}
	if len(certificates) > certificateLimit {
		return nil, certificateFault("saml_certificate_too_many", "at most 16 certificates", strconv.Itoa(len(certificates)))
	}
	return certificates, nil
}

// pastedBlocks returns the DER of everything pasted.
func pastedBlocks(text string) ([][]byte, error) {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return nil, certificateFault("saml_certificate_missing", wantCertificate, "nothing")
	case strings.Contains(trimmed, pemBegin):
		return pemBlocks(trimmed)
	case strings.HasPrefix(trimmed, "<"):
		return nil, certificateFault("saml_certificate_kind", wantCertificate, "XML; metadata belongs into the metadata field")
	case text[0] == 0x30: // a DER SEQUENCE; base64 of one begins with M
		return [][]byte{[]byte(text)}, nil
	}
	der, err := pastedBase64(trimmed)
	if err != nil {
		return nil, certificateFault("saml_certificate_malformed", wantCertificate, "neither PEM nor base64")
	}
	return [][]byte{der}, nil
}

// pemBlocks is stricter than encoding/pem, which skips a block that it cannot read, and more patient with lost line ends.
func pemBlocks(text string) ([][]byte, error) {
	var blocks [][]byte
	for {
		_, rest, found := strings.Cut(text, pemBegin)
		if !found {
			return blocks, nil
		}
		label, rest, found := strings.Cut(rest, pemDashes)
		if !found {
			return nil, certificateFault("saml_certificate_malformed", "a complete PEM block", "a first line without its end")
		}
		if err := checkLabel(label); err != nil {
			return nil, err
		}
		body, rest, found := strings.Cut(rest, pemEnd+label+pemDashes)
		if !found {
			return nil, certificateFault("saml_certificate_malformed", "a complete PEM block", "no line "+pemEnd+label+pemDashes)
		}
		der, err := pastedBase64(body)
		if err != nil {
			return nil, certificateFault("saml_certificate_malformed", "base64 inside the PEM block", "other characters")
		}
		blocks = append(blocks, der)
		text = rest
	}
}

func checkLabel(label string) error {
	switch {
	case strings.Contains(label, "PRIVATE KEY"):
		return privateKeyFault()
	case label == "CERTIFICATE", label == "X509 CERTIFICATE": // RFC 7468 5.1 and 5.3
		return nil
	}
	return certificateFault("saml_certificate_kind", wantCertificate, "a PEM block "+clip(label))
}

// parseCertificate reads one certificate and judges its key.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(der)
	if err == nil {
		return certificate, checkCertificateKey(certificate)
	}
	if isPrivateKey(der) {
		return nil, privateKeyFault()
	}
	return nil, certificateFault("saml_certificate_malformed", wantCertificate, clip(err.Error()))
}

// checkCertificateKey holds the keys that a signature may be checked with.
func checkCertificateKey(certificate *x509.Certificate) error {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minKeyBits || bits > maxKeyBits {
			return weakCertificate(fmt.Sprintf("RSA with %d bits", bits))
		}
		if key.E < 3 || key.E%2 == 0 {
			return weakCertificate(fmt.Sprintf("RSA with the exponent %d", key.E))
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
			return certificateFault("saml_certificate_key_type", wantForeignKey, "ECDSA on "+key.Curve.Params().Name)
		}
		return nil
	}
	return certificateFault("saml_certificate_key_type", wantForeignKey, certificate.PublicKeyAlgorithm.String())
}

const (
	wantCertificate = "an X.509 certificate as PEM, base64 or DER"
	wantForeignKey  = "RSA with 2048 to 8192 bits, or ECDSA on P-256 or P-384"
)

func weakCertificate(got string) error {
	return &Refusal{Code: "saml_certificate_weak_key", Want: wantForeignKey, Got: got, Fix: AtIdentityProvider}
}

func privateKeyFault() error {
	return certificateFault("saml_certificate_private_key", wantCertificate,
		"a private key; it should never leave the identity provider, so consider replacing it")
}

func certificateFault(code, want, got string) error {
	return &Refusal{Code: code, Want: want, Got: got, Fix: AtConnection}
}

func isPrivateKey(der []byte) bool {
	_, notPKCS8 := x509.ParsePKCS8PrivateKey(der)
	_, notPKCS1 := x509.ParsePKCS1PrivateKey(der)
	_, notSEC1 := x509.ParseECPrivateKey(der)
	return notPKCS8 == nil || notPKCS1 == nil || notSEC1 == nil
}

// pastedBase64 ignores white space and line ends that a configuration file wrote as \n or \r.
func pastedBase64(text string) ([]byte, error) {
	text = strings.NewReplacer(`\r`, "", `\n`, "").Replace(text)
	packed := bytes.Join(bytes.Fields([]byte(text)), nil)
	return base64.StdEncoding.Strict().AppendDecode(nil, packed)
}
