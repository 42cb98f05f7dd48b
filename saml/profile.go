package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

const (
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsExclusive  = algExclusive
	minRSABits   = 2048
)

// signatureAlgorithm is one allowed SignatureMethod.
type signatureAlgorithm struct {
	ecdsa    bool
	insecure bool // SHA-1: only with Expect.InsecureSHA1
}

func signatureAlgorithmOf(uri string) (signatureAlgorithm, bool) {
	switch uri {
	case "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":
		return signatureAlgorithm{}, true
	case "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384":
		return signatureAlgorithm{ecdsa: true}, true
	case "http://www.w3.org/2000/09/xmldsig#rsa-sha1":
		return signatureAlgorithm{insecure: true}, true
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

// profile is what was read of a Signature whose shape is allowed.
type profile struct {
	method      string
	algorithm   signatureAlgorithm
	value       []byte // decoded SignatureValue
	certificate []byte // decoded KeyInfo certificate; only ever a hint, nil when there is none
}

// readProfile checks the shape of the signature of parent: core 5.4, xmldsig 4, and what goxmldsig alone would let pass.
func readProfile(parent, signature *etree.Element, sha1 bool) (profile, error) {
	var p profile
	top := parts(signature, "SignedInfo", "SignatureValue", "KeyInfo?")
	if top == nil {
		return p, misshapen("Signature of SignedInfo, SignatureValue and at most KeyInfo")
	}
	info := parts(top[0], "CanonicalizationMethod", "SignatureMethod", "Reference")
	if info == nil {
		return p, misshapen("SignedInfo of one CanonicalizationMethod, SignatureMethod and Reference")
	}
	err := exclusive(info[0])
	if err != nil {
		return p, err
	}
	err = p.readMethod(info[1], sha1)
	if err != nil {
		return p, err
	}
	err = checkReference(parent, info[2], sha1)
	if err != nil {
		return p, err
	}
	p.value, err = decodeBase64(top[1])
	if err != nil || len(p.value) == 0 {
		return p, misshapen("SignatureValue in base64")
	}
	if top[2] != nil {
		p.certificate = certificateHint(top[2])
	}
	return p, nil
}

func (p *profile) readMethod(method *etree.Element, sha1 bool) error {
	p.method, _ = attrValue(method, "Algorithm")
	algorithm, known := signatureAlgorithmOf(p.method)
	// A child could only be HMACOutputLength or parameters of RSA-PSS.
	if !known || algorithm.insecure && !sha1 || !isLeaf(method) {
		return refuse("saml_algorithm", "core 5.4.5", "RSA or ECDSA with SHA-256 or better", clip(p.method))
	}
	p.algorithm = algorithm
	return nil
}

// checkReference: core 5.4.2 wants one reference to the ID of the parent, core 5.4.4 at most the two transforms.
func checkReference(parent, reference *etree.Element, sha1 bool) error {
	id, _ := attrValue(parent, "ID")
	uri, _ := attrValue(reference, "URI")
	if id == "" || uri != "#"+id {
		return refuse("saml_reference", "core 5.4.2", clip("#"+id), clip(uri))
	}
	inside := parts(reference, "Transforms", "DigestMethod", "DigestValue")
	if inside == nil {
		return refuse("saml_transform", "core 5.4.4", "Reference of Transforms, DigestMethod and DigestValue", "other elements")
	}
	transforms := parts(inside[0], "Transform", "Transform?")
	if transforms == nil {
		return refuse("saml_transform", "core 5.4.4", "the enveloped transform and at most exclusive canonicalisation", "others")
	}
	first, _ := attrValue(transforms[0], "Algorithm")
	if first != algEnveloped || !isLeaf(transforms[0]) {
		return refuse("saml_transform", "core 5.4.4", algEnveloped, clip(first))
	}
	if transforms[1] != nil {
		err := exclusive(transforms[1])
		if err != nil {
			return err
		}
	}
	digest, _ := attrValue(inside[1], "Algorithm")
	hash := digestHash(digest)
	if hash == 0 || hash == crypto.SHA1 && !sha1 || !isLeaf(inside[1]) {
		return refuse("saml_algorithm", "core 5.4.5", "a digest of SHA-256 or better", clip(digest))
	}
	value, err := decodeBase64(inside[2])
	if err != nil || len(value) != hash.Size() {
		return misshapen("DigestValue as long as the digest")
	}
	return nil
}

// exclusive wants exclusive canonicalisation without comments, with at most a list of prefixes (core 5.4.3).
func exclusive(method *etree.Element) error {
	algorithm, _ := attrValue(method, "Algorithm")
	if algorithm != algExclusive {
		return refuse("saml_transform", "core 5.4.3", algExclusive, clip(algorithm))
	}
	list := elements(method)
	if len(list) > 1 || len(list) == 1 && !(is(list[0], nsExclusive, "InclusiveNamespaces") && isLeaf(list[0])) {
		return refuse("saml_transform", "core 5.4.3", "at most InclusiveNamespaces inside", "other elements")
	}
	return nil
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

// parts returns the child elements of e, which must be the named ones of xmldsig, in order, once each ("?" marks an optional
// one, nil when absent). It returns nil when there is anything else.
func parts(e *etree.Element, names ...string) []*etree.Element {
	have := elements(e)
	found := make([]*etree.Element, len(names))
	for i, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		if len(have) > 0 && is(have[0], nsSignature, name) {
			found[i], have = have[0], have[1:]
			continue
		}
		if !optional {
			return nil
		}
	}
	if len(have) > 0 {
		return nil
	}
	return found
}

func elements(e *etree.Element) []*etree.Element {
	found := make([]*etree.Element, 0, 4)
	for _, t := range e.Child {
		if c, ok := t.(*etree.Element); ok {
			found = append(found, c)
		}
	}
	return found
}

func isLeaf(e *etree.Element) bool {
	_, ok := text(e)
	return ok
}

// certificateHint is the first certificate of a KeyInfo. It may be anything, so nobody may verify with it.
func certificateHint(keyInfo *etree.Element) []byte {
	data := child(keyInfo, nsSignature, "X509Data")
	if data == nil {
		return nil
	}
	certificate := child(data, nsSignature, "X509Certificate")
	if certificate == nil {
		return nil
	}
	raw, err := decodeBase64(certificate)
	if err != nil {
		return nil
	}
	return raw
}

// decodeBase64 reads the text of a leaf as xs:base64Binary: white space anywhere.
func decodeBase64(e *etree.Element) ([]byte, error) {
	value, ok := text(e)
	if !ok {
		return nil, misshapen("base64")
	}
	return base64.StdEncoding.DecodeString(withoutSpace(value))
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n':
			return -1
		}
		return r
	}, s)
}

func misshapen(want string) error {
	return refuse("saml_signature_profile", "core 5.4", want, "another shape")
}
