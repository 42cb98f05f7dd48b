package saml

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"unicode/utf8"
)

// Namespaces that the gate and the verifier look for. Nothing is ever recognised by prefix or local name alone.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS     = "http://www.w3.org/2000/xmlns/"
)

// Fixed limits of the gate. They bound what a document can cost in the libraries behind it: etree resolves a prefix by
// walking up, goxmldsig copies the table of prefixes for every element.
const (
	maxNameBytes  = 256      // element and attribute names, ID values
	maxValueBytes = 16 << 10 // one attribute value
	maxInScope    = 48       // namespace declarations in scope at once
	maxSignatures = 2        // one on the Response, one on the Assertion
)

// gateLimits say what a document may cost before anything builds a tree from it. All numbers are inclusive; zero means none.
type gateLimits struct {
	Bytes, Depth, Elements, Attributes int        // bytes, nesting, elements in all, attributes on one element
	Roots                              []xml.Name // names the root may have
	// Response adds what only a response must keep: no comments or CDATA, at most one Assertion or EncryptedAssertion and
	// only as child of the root, at most one Signature each in the root and in that assertion.
	Response bool
}

// kind is what the gate remembers of an open element.
type kind uint8

const (
	kindOther kind = iota
	kindRoot
	kindAssertion
)

type openElement struct {
	name   []byte // as written, to match the end tag
	kind   kind
	signed bool
	scope  int // bindings in scope before this element
}

type binding struct{ prefix, uri []byte }

// gatekeeper walks a document once, front to back, without building anything. It knows less XML than the parser behind it
// and refuses what it does not know, so that what passes reads the same in every parser (security: two parsers that disagree).
type gatekeeper struct {
	doc        []byte
	at         int
	l          gateLimits
	open       []openElement
	scope      []binding
	attrs      []rawAttribute
	ids        map[string]struct{}
	elements   int
	attributes int
	assertions int
	signatures int
	rootSeen   bool
}

// gate refuses, with a *Refusal, every document that is not plain UTF-8 XML within the limits l: no document type, no
// processing instruction after the declaration, one root of a wanted name, no undeclared prefix, no doubled attribute or ID,
// no ds:Object. It is linear in len(doc), and looks at nothing when the size alone is too much.
func gate(doc []byte, l gateLimits) error {
	if len(doc) > l.Bytes {
		return refuse("saml_too_large", "bindings 3.5", "at most "+strconv.Itoa(l.Bytes)+" bytes", strconv.Itoa(len(doc))+" bytes")
	}
	if !utf8.Valid(doc) {
		return refuse("saml_encoding", "XML 4.3.3", "UTF-8", "bytes that are not UTF-8")
	}
	g := gatekeeper{doc: doc, l: l, open: make([]openElement, 0, 16), scope: make([]binding, 0, 16), ids: make(map[string]struct{}, 8)}
	err := g.declaration()
	if err != nil {
		return err
	}
	for g.at < len(g.doc) {
		err = g.next()
		if err != nil {
			return err
		}
	}
	if len(g.open) > 0 || !g.rootSeen {
		return malformed("the end of the document inside an element")
	}
	return nil
}

// next judges one run of text or one piece of markup.
func (g *gatekeeper) next() error {
	if g.doc[g.at] != '<' {
		return g.text()
	}
	rest := g.doc[g.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("</")):
		return g.endTag()
	case bytes.HasPrefix(rest, []byte("<!--")):
		return g.comment()
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return g.cdata()
	case bytes.HasPrefix(rest, []byte("<!")):
		return refuse("saml_doctype", "core 1.3.1", "no document type or entity declaration", "a declaration")
	case bytes.HasPrefix(rest, []byte("<?")):
		return refuse("saml_processing_instruction", "xmldsig 8.1", "no processing instruction", "a processing instruction")
	}
	return g.startTag()
}

// enter applies the limits and rules to an element whose start tag was read.
func (g *gatekeeper) enter(name, prefix, local []byte) error {
	g.elements++
	if g.elements > g.l.Elements {
		return refuse("saml_too_complex", "limits", "at most "+strconv.Itoa(g.l.Elements)+" elements", "more")
	}
	if len(g.open) >= g.l.Depth {
		return refuse("saml_too_deep", "limits", "at most "+strconv.Itoa(g.l.Depth)+" levels", "more")
	}
	before := len(g.scope)
	err := g.bind()
	if err != nil {
		return err
	}
	uri, ok := g.lookup(prefix)
	if !ok {
		return refuse("saml_namespace", "namespaces 5", "a declared prefix", "an undeclared one on an element")
	}
	err = g.uniqueAttributes()
	if err != nil {
		return err
	}
	e := openElement{name: name, scope: before}
	err = g.place(&e, uri, local)
	if err != nil {
		return err
	}
	g.open = append(g.open, e)
	return nil
}

// place judges where an element stands: the root's name, and for a response the places that wrapping attacks need.
func (g *gatekeeper) place(e *openElement, uri, local []byte) error {
	if len(g.open) == 0 {
		e.kind = kindRoot
		return g.root(uri, local)
	}
	if string(uri) == nsSignature && string(local) == "Object" {
		return refuse("saml_ds_object", "core 5.4", "no ds:Object", "one")
	}
	if !g.l.Response {
		return nil
	}
	parent := &g.open[len(g.open)-1]
	switch {
	case string(uri) == nsAssertion && (string(local) == "Assertion" || string(local) == "EncryptedAssertion"):
		return g.assertion(e, parent)
	case string(uri) == nsSignature && string(local) == "Signature":
		return g.signature(parent)
	case string(uri) == nsProtocol && string(local) == "Response":
		return refuse("saml_misplaced_element", "core 3.3.3", "one Response, the root", "a Response inside")
	}
	return nil
}

func (g *gatekeeper) root(uri, local []byte) error {
	g.rootSeen = true
	for _, want := range g.l.Roots {
		if string(uri) == want.Space && string(local) == want.Local {
			return nil
		}
	}
	return refuse("saml_root", "core 3.3.3", rootNames(g.l.Roots), clip("{"+string(uri)+"}"+string(local)))
}

func (g *gatekeeper) assertion(e, parent *openElement) error {
	if parent.kind != kindRoot {
		return refuse("saml_misplaced_element", "core 3.3.3", "an assertion as child of the Response", "one deeper inside")
	}
	g.assertions++
	if g.assertions > 1 {
		return refuse("saml_multiple_assertions", "core 3.3.3", "one Assertion or EncryptedAssertion", "several")
	}
	e.kind = kindAssertion
	return nil
}

func (g *gatekeeper) signature(parent *openElement) error {
	if parent.kind == kindOther {
		return refuse("saml_misplaced_element", "core 5.4.1", "a Signature as child of Response or Assertion", "one elsewhere")
	}
	g.signatures++
	if parent.signed || g.signatures > maxSignatures {
		return refuse("saml_signature_profile", "core 5.4.1", "one Signature in an element", "several")
	}
	parent.signed = true
	return nil
}

func rootNames(roots []xml.Name) string {
	var b []byte
	for i, r := range roots {
		if i > 0 {
			b = append(b, " or "...)
		}
		b = append(b, "{"+r.Space+"}"+r.Local...)
	}
	return string(b)
}
