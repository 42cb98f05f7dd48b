package saml

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// canonicalizer writes exclusive canonical XML (Exclusive XML Canonicalization 1.0, section 3) of a tree that passed the gate.
// What it writes is hashed and then parsed again, so a fault in it can refuse an honest message but never let another pass.
type canonicalizer struct {
	out       []byte
	omit      *etree.Element // the enveloped signature
	inclusive []string       // prefixes handled as in inclusive canonicalisation; "" is the default namespace
	all       bool           // all of them: Canonical XML 1.0
	scope     []binding      // declared so far, in the document
	rendered  []binding      // declared so far, in the output
}

// maxCanonicalBytes bounds what repeating long declarations can make of a message.
const maxCanonicalBytes = 8 * maxResponseBytes

// canonicalize returns the canonical form of e where it stands in its document, or nil when that would be too large. With all,
// it refuses attributes of the xml namespace above e, which Canonical XML 1.0 would inherit.
func canonicalize(e, omit *etree.Element, prefixes []string, all bool) []byte {
	c := canonicalizer{out: make([]byte, 0, 8<<10), omit: omit, inclusive: prefixes, all: all}
	for p := e.Parent(); p != nil; p = p.Parent() {
		for _, a := range p.Attr {
			if all && a.Space == "xml" {
				return nil
			}
		}
		c.scope = append(declarations(p), c.scope...)
	}
	c.element(e)
	if len(c.out) > maxCanonicalBytes {
		return nil
	}
	return c.out
}

func declarations(e *etree.Element) []binding {
	var found []binding
	for _, a := range e.Attr {
		switch {
		case a.Space == "xmlns":
			found = append(found, binding{a.Key, a.Value})
		case a.Space == "" && a.Key == "xmlns":
			found = append(found, binding{"", a.Value})
		}
	}
	return found
}

func (c *canonicalizer) element(e *etree.Element) {
	if len(c.out) > maxCanonicalBytes {
		return
	}
	scope, rendered := len(c.scope), len(c.rendered)
	c.scope = append(c.scope, declarations(e)...)
	c.out = append(c.out, '<')
	c.name(e.Space, e.Tag)
	c.declare(e)
	c.attributes(e)
	c.out = append(c.out, '>')
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.Element:
			if t != c.omit {
				c.element(t)
			}
		case *etree.CharData:
			c.escaped(t.Data, textReference)
		}
	}
	c.out = append(c.out, '<', '/')
	c.name(e.Space, e.Tag)
	c.out = append(c.out, '>')
	c.scope, c.rendered = c.scope[:scope], c.rendered[:rendered]
}

func (c *canonicalizer) name(prefix, local string) {
	if prefix != "" {
		c.out = append(c.out, prefix...)
		c.out = append(c.out, ':')
	}
	c.out = append(c.out, local...)
}

// declare writes the declarations that e visibly uses, or that are handled inclusively, where the output does not have them yet.
func (c *canonicalizer) declare(e *etree.Element) {
	used := append(make([]string, 0, 8), e.Space)
	for _, a := range e.Attr {
		if a.Space != "" && a.Space != "xmlns" {
			used = append(used, a.Space)
		}
	}
	used = append(used, c.inclusive...)
	if c.all {
		for _, b := range c.scope {
			used = append(used, b.prefix)
		}
	}
	slices.Sort(used)
	for _, prefix := range slices.Compact(used) {
		uri := find(c.scope, prefix)
		// An undeclared prefix of a list has no uri; the same is true of no default namespace.
		if prefix == "xml" || uri == find(c.rendered, prefix) {
			continue
		}
		c.rendered = append(c.rendered, binding{prefix, uri})
		c.out = append(c.out, ` xmlns`...)
		if prefix != "" {
			c.out = append(c.out, ':')
			c.out = append(c.out, prefix...)
		}
		c.value(uri)
	}
}

func find(bindings []binding, prefix string) string {
	for i := len(bindings) - 1; i >= 0; i-- {
		if bindings[i].prefix == prefix {
			return bindings[i].uri
		}
	}
	return ""
}

// attributes writes them by namespace name, then local name; those without a namespace come first (Canonical XML 1.0, 2.2).
func (c *canonicalizer) attributes(e *etree.Element) {
	type named struct {
		uri string
		a   *etree.Attr
	}
	sorted := make([]named, 0, 8)
	for i := range e.Attr {
		a := &e.Attr[i]
		switch {
		case a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns":
		case a.Space == "":
			sorted = append(sorted, named{"", a})
		case a.Space == "xml":
			sorted = append(sorted, named{nsXML, a})
		default:
			sorted = append(sorted, named{find(c.scope, a.Space), a})
		}
	}
	slices.SortFunc(sorted, func(x, y named) int {
		if x.uri != y.uri {
			return strings.Compare(x.uri, y.uri)
		}
		return strings.Compare(x.a.Key, y.a.Key)
	})
	for _, n := range sorted {
		c.out = append(c.out, ' ')
		c.name(n.a.Space, n.a.Key)
		c.value(n.a.Value)
	}
}

func (c *canonicalizer) value(s string) {
	c.out = append(c.out, '=', '"')
	c.escaped(s, valueReference)
	c.out = append(c.out, '"')
}

// escaped writes s with the references that are wanted instead of some bytes.
func (c *canonicalizer) escaped(s string, reference func(byte) string) {
	start := 0
	for i := 0; i < len(s); i++ {
		written := reference(s[i])
		if written != "" {
			c.out = append(append(c.out, s[start:i]...), written...)
			start = i + 1
		}
	}
	c.out = append(c.out, s[start:]...)
}

// textReference and valueReference: Canonical XML 1.0, 2.3.
func textReference(b byte) string {
	switch b {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '\r':
		return "&#xD;"
	}
	return ""
}

func valueReference(b byte) string {
	switch b {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	case '\r':
		return "&#xD;"
	}
	return ""
}
