package saml

import (
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Namespaces that the gate and the verifier look for. Nothing is ever recognised by prefix or local name alone.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	nsXML       = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS     = "http://www.w3.org/2000/xmlns/"
)

// Fixed limits of the gate. They bound what a document can cost behind it: a prefix is resolved by walking up, and a canonical
// form repeats declarations.
const (
	maxNameBytes  = 256      // element and attribute names, ID values
	maxValueBytes = 16 << 10 // one attribute value
	maxSpaceBytes = 512      // one namespace name: canonical forms repeat it
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
	name   string // as written, to match the end tag
	kind   kind
	signed bool
	scope  int // bindings in scope before this element
}

type binding struct{ prefix, uri string }

// gatekeeper walks a document once, front to back. It knows less XML than other parsers and refuses what it does not know, so
// that what passes reads the same in every parser (security: two parsers that disagree).
type gatekeeper struct {
	doc        string
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
	tree       *builder // nil when nobody wants a tree
}

// gate refuses, with a *Refusal, every document that is not plain UTF-8 XML within the limits l: no document type, no
// processing instruction after the declaration, one root of a wanted name, no undeclared prefix, no doubled attribute or ID,
// no ds:Object. It is linear in len(doc), and looks at nothing when the size alone is too much.
func gate(doc []byte, l gateLimits) error {
	return walk(doc, l, nil)
}

// read is the gate, and hands back the root of the tree built in the same walk: there is no second parser that could disagree
// with it. Only for the rules of a response, which has no comments and no CDATA.
func read(doc []byte, l gateLimits) (*etree.Element, error) {
	var b builder
	l.Response = true
	err := walk(doc, l, &b)
	if err != nil {
		return nil, err
	}
	return b.root, nil
}

func walk(doc []byte, l gateLimits, tree *builder) error {
	if len(doc) > l.Bytes {
		return refuse("saml_too_large", "bindings 3.5", "at most "+strconv.Itoa(l.Bytes)+" bytes", strconv.Itoa(len(doc))+" bytes")
	}
	if !utf8.Valid(doc) {
		return refuse("saml_encoding", "XML 4.3.3", "UTF-8", "bytes that are not UTF-8")
	}
	g := gatekeeper{doc: string(doc), l: l, tree: tree, ids: make(map[string]struct{}, 8)}
	g.open, g.scope = make([]openElement, 0, 16), make([]binding, 0, 16)
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
	case strings.HasPrefix(rest, "</"):
		return g.endTag()
	case strings.HasPrefix(rest, "<!--"):
		return g.comment()
	case strings.HasPrefix(rest, "<![CDATA["):
		return g.cdata()
	case strings.HasPrefix(rest, "<!"):
		return refuse("saml_doctype", "core 1.3.1", "no document type or entity declaration", "a declaration")
	case strings.HasPrefix(rest, "<?"):
		return refuse("saml_processing_instruction", "xmldsig 8.1", "no processing instruction", "a processing instruction")
	}
	return g.startTag()
}

// enter applies the limits and rules to an element whose start tag was read.
func (g *gatekeeper) enter(name, prefix, local string) error {
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
	if g.tree != nil {
		g.tree.start(prefix, local, g.attrs)
	}
	return nil
}

// leave closes the element that was opened last.
func (g *gatekeeper) leave() {
	top := g.open[len(g.open)-1]
	g.open = g.open[:len(g.open)-1]
	g.scope = g.scope[:top.scope]
	if g.tree != nil {
		g.tree.end()
	}
}
