package saml

import (
	"encoding/base64"
	"strings"

	"github.com/beevik/etree"
)

// is compares by namespace and local name, never by prefix.
func is(e *etree.Element, space, tag string) bool {
	return e.Tag == tag && e.NamespaceURI() == space
}

// child is the first child of that name, or nil.
func child(e *etree.Element, space, tag string) *etree.Element {
	for _, t := range e.Child {
		c, ok := t.(*etree.Element)
		if ok && is(c, space, tag) {
			return c
		}
	}
	return nil
}

func children(e *etree.Element, space, tag string) []*etree.Element {
	var found []*etree.Element
	for _, t := range e.Child {
		c, ok := t.(*etree.Element)
		if ok && is(c, space, tag) {
			found = append(found, c)
		}
	}
	return found
}

// attrValue reads an attribute without a namespace, which all of SAML's and xmldsig's own are.
func attrValue(e *etree.Element, key string) (value string, present bool) {
	for i := range e.Attr {
		if e.Attr[i].Space == "" && e.Attr[i].Key == key {
			return e.Attr[i].Value, true
		}
	}
	return "", false
}

// text is all character data of an element that has no child elements.
func text(e *etree.Element) (value string, ok bool) {
	if len(e.Child) == 1 {
		if c, isText := e.Child[0].(*etree.CharData); isText {
			return c.Data, true
		}
	}
	var b strings.Builder
	for _, t := range e.Child {
		switch t := t.(type) {
		case *etree.Element:
			return "", false
		case *etree.CharData:
			b.WriteString(t.Data)
		}
	}
	return b.String(), true
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
