package saml

import (
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
