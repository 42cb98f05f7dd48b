package saml

import (
	"crypto"
	"strings"

	"github.com/beevik/etree"
)

const (
	algEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	algExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	nsExclusive  = algExclusive
	minRSABits   = 2048
)

// profile is what was read of a Signature whose shape is allowed.
type profile struct {
	signedInfo
	info    *etree.Element
	value   []byte         // decoded SignatureValue
	keyInfo *etree.Element // nil when there is none; only good for telling whose certificate is missing here
}

// signedInfo is what a SignedInfo says.
type signedInfo struct {
	method    string
	algorithm signatureAlgorithm
	prefixes  []string // for the canonical form of SignedInfo itself
	reference reference
}

// reference is the one Reference of a SignedInfo.
type reference struct {
	prefixes  []string // for the canonical form of the signed element
	exclusive bool     // else Canonical XML 1.0, because no canonicalisation was named (xmldsig 4.4.3.2)
	hash      crypto.Hash
	digest    []byte
}

// readProfile checks the shape of the signature of parent: core 5.4, xmldsig 4, and what SAML leaves of it.
func readProfile(parent, signature *etree.Element, sha1 bool) (profile, error) {
	var p profile
	top := parts(signature, "SignedInfo", "SignatureValue", "KeyInfo?")
	if top == nil {
		return p, misshapen("Signature of SignedInfo, SignatureValue and at most KeyInfo")
	}
	info, err := readSignedInfo(parent, top[0], sha1)
	if err != nil {
		return p, err
	}
	p.signedInfo, p.info = info, top[0]
	p.value, err = decodeBase64(top[1])
	if err != nil || len(p.value) == 0 {
		return p, misshapen("SignatureValue in base64")
	}
	p.keyInfo = top[2]
	return p, nil
}

func readSignedInfo(parent, element *etree.Element, sha1 bool) (signedInfo, error) {
	var s signedInfo
	inside := parts(element, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if inside == nil {
		return s, misshapen("SignedInfo of one CanonicalizationMethod, SignatureMethod and Reference")
	}
	var err error
	s.prefixes, err = exclusive(inside[0])
	if err != nil {
		return s, err
	}
	s.method, _ = attrValue(inside[1], "Algorithm")
	algorithm, known := signatureAlgorithmOf(s.method)
	// A child could only be HMACOutputLength or parameters of RSA-PSS.
	if !known || algorithm.insecure && !sha1 || !isLeaf(inside[1]) {
		return s, refuse("saml_algorithm", "core 5.4.5", "RSA or ECDSA with SHA-256 or better", clip(s.method))
	}
	s.algorithm = algorithm
	s.reference, err = readReference(parent, inside[2], sha1)
	return s, err
}

// readReference: core 5.4.2 wants one reference to the ID of the parent, core 5.4.4 at most the two transforms.
func readReference(parent, element *etree.Element, sha1 bool) (reference, error) {
	var r reference
	id, _ := attrValue(parent, "ID")
	uri, _ := attrValue(element, "URI")
	if id == "" || uri != "#"+id {
		return r, refuse("saml_reference", "core 5.4.2", clip("#"+id), clip(uri))
	}
	inside := parts(element, "Transforms", "DigestMethod", "DigestValue")
	if inside == nil {
		return r, refuse("saml_transform", "core 5.4.4", "Reference of Transforms, DigestMethod and DigestValue", "other elements")
	}
	err := r.readTransforms(inside[0])
	if err != nil {
		return r, err
	}
	digest, _ := attrValue(inside[1], "Algorithm")
	r.hash = digestHash(digest)
	if r.hash == 0 || r.hash == crypto.SHA1 && !sha1 || !isLeaf(inside[1]) {
		return r, refuse("saml_algorithm", "core 5.4.5", "a digest of SHA-256 or better", clip(digest))
	}
	r.digest, err = decodeBase64(inside[2])
	if err != nil || len(r.digest) != r.hash.Size() {
		return r, misshapen("DigestValue as long as the digest")
	}
	return r, nil
}

func (r *reference) readTransforms(element *etree.Element) error {
	transforms := parts(element, "Transform", "Transform?")
	if transforms == nil {
		return refuse("saml_transform", "core 5.4.4", "the enveloped transform and at most exclusive canonicalisation", "others")
	}
	first, _ := attrValue(transforms[0], "Algorithm")
	if first != algEnveloped || !isLeaf(transforms[0]) {
		return refuse("saml_transform", "core 5.4.4", algEnveloped, clip(first))
	}
	if transforms[1] == nil {
		return nil
	}
	var err error
	r.prefixes, err = exclusive(transforms[1])
	r.exclusive = true
	return err
}

// exclusive wants exclusive canonicalisation without comments (core 5.4.3), and reads its list of prefixes, if there is one;
// "#default" means the default namespace (exc-c14n 3).
func exclusive(method *etree.Element) ([]string, error) {
	algorithm, _ := attrValue(method, "Algorithm")
	if algorithm != algExclusive {
		return nil, refuse("saml_transform", "core 5.4.3", algExclusive, clip(algorithm))
	}
	inside := elements(method)
	if len(inside) == 0 {
		return nil, nil
	}
	if len(inside) > 1 || !is(inside[0], nsExclusive, "InclusiveNamespaces") || !isLeaf(inside[0]) {
		return nil, refuse("saml_transform", "core 5.4.3", "at most InclusiveNamespaces inside", "other elements")
	}
	list, _ := attrValue(inside[0], "PrefixList")
	prefixes := strings.Fields(list)
	for i, prefix := range prefixes {
		if prefix == "#default" {
			prefixes[i] = ""
		}
	}
	if len(prefixes) > maxInScope {
		return nil, refuse("saml_transform", "core 5.4.3", "a short list of prefixes", "a long one")
	}
	return prefixes, nil
}

// certificateHint is the first certificate of a KeyInfo, or nil. It may be anything, so nobody may verify with it.
func certificateHint(keyInfo *etree.Element) []byte {
	if keyInfo == nil {
		return nil
	}
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

func misshapen(want string) error {
	return refuse("saml_signature_profile", "core 5.4", want, "another shape")
}
