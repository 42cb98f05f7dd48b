package testidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// verifyRequest says whether a request carries a signature by one of the known certificates. A signature that does not verify
// is an error; without certificates no signature is looked at.
func (c SAMLClient) verifyRequest(r *http.Request, root *etree.Element, redirect bool) (bool, error) {
	if len(c.Certificates) == 0 {
		return false, nil
	}
	if redirect {
		if r.Form.Get("Signature") == "" {
			return false, nil
		}
		return c.verifyQuery(r.URL.RawQuery)
	}
	if root.SelectElement("Signature") == nil {
		return false, nil
	}
	return c.verifyElement(root)
}

// verifyQuery checks the signature over the parameters as they were sent, in the order of SAML Bindings 3.4.4.1.
func (c SAMLClient) verifyQuery(raw string) (bool, error) {
	sent := map[string]string{}
	for _, part := range strings.Split(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if _, twice := sent[name]; twice {
			return false, fmt.Errorf("testidp: %s stands twice in the request", name)
		}
		sent[name] = value
	}
	signed := "SAMLRequest=" + sent["SAMLRequest"]
	if relay, ok := sent["RelayState"]; ok {
		signed += "&RelayState=" + relay
	}
	signed += "&SigAlg=" + sent["SigAlg"]
	algorithm, err := url.QueryUnescape(sent["SigAlg"])
	if err != nil {
		return false, fmt.Errorf("testidp: SigAlg: %w", err)
	}
	encoded, err := url.QueryUnescape(sent["Signature"])
	if err != nil {
		return false, fmt.Errorf("testidp: Signature: %w", err)
	}
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false, fmt.Errorf("testidp: Signature: %w", err)
	}
	for _, cert := range c.Certificates {
		if verifies(cert, algorithm, []byte(signed), signature) {
			return true, nil
		}
	}
	return false, errors.New("testidp: no known key made the signature of the request")
}

func verifies(cert *x509.Certificate, algorithm string, signed, signature []byte) bool {
	hashes := map[string]crypto.Hash{
		dsig.RSASHA256SignatureMethod: crypto.SHA256, dsig.RSASHA384SignatureMethod: crypto.SHA384, dsig.RSASHA512SignatureMethod: crypto.SHA512,
		dsig.ECDSASHA256SignatureMethod: crypto.SHA256, dsig.ECDSASHA384SignatureMethod: crypto.SHA384, dsig.ECDSASHA512SignatureMethod: crypto.SHA512,
	}
	hash, ok := hashes[algorithm]
	if !ok {
		return false
	}
	h := hash.New()
	h.Write(signed)
	digest := h.Sum(nil)
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return strings.Contains(algorithm, "#rsa-") && rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	case *ecdsa.PublicKey:
		der, err := asn1ECDSA(signature)
		return err == nil && strings.Contains(algorithm, "#ecdsa-") && ecdsa.VerifyASN1(key, digest, der)
	}
	return false
}

// verifyElement checks the enveloped signature of a posted request.
func (c SAMLClient) verifyElement(root *etree.Element) (bool, error) {
	root = root.Copy()
	method := root.FindElement("./Signature/SignedInfo/SignatureMethod")
	value := root.FindElement("./Signature/SignatureValue")
	if method == nil || value == nil {
		return false, errors.New("testidp: the request's signature is incomplete")
	}
	if strings.Contains(method.SelectAttrValue("Algorithm", ""), "#ecdsa-") {
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Text()), ""))
		if err != nil {
			return false, fmt.Errorf("testidp: SignatureValue: %w", err)
		}
		der, err := asn1ECDSA(raw)
		if err != nil {
			return false, fmt.Errorf("testidp: SignatureValue: %w", err)
		}
		value.SetText(base64.StdEncoding.EncodeToString(der)) // the only form goxmldsig knows
	}
	var last error
	for _, cert := range c.Certificates {
		context := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
		if _, last = context.Validate(root); last == nil {
			return true, nil
		}
	}
	return false, fmt.Errorf("testidp: the signature of the request: %w", last)
}
