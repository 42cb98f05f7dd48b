package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"

	"github.com/beevik/etree"
)

// FuzzGate: what the gate lets through, encoding/xml and etree read without a fault, as the same elements within the limits.
func FuzzGate(f *testing.F) {
	for _, seed := range []string{
		response(""), response(`<a:Assertion ID="x"><a:y b='c' xmlns:q="u" q:d="&#x41;">t&amp;</a:y></a:Assertion>`),
		`<?xml version="1.0" encoding="UTF-8"?>` + response(`<ds:Signature/><a:x xml:lang="en"/>`), response("<!-- -->"), response("<![CDATA[]]>"),
		response("]]>"), response("<a:x\t\r\nb = \"1\"\n/>"), response(`<a:x xmlns=""><y/></a:x>`), "<!DOCTYPE a>" + response(""), response("&#xD;\r\n\r"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if gate(doc, testLimits) != nil {
			return
		}
		fromStandard, err := readByStandard(doc)
		if err != nil {
			t.Fatalf("encoding/xml: %v", err)
		}
		tree := etree.NewDocument()
		err = tree.ReadFromBytes(doc)
		if err != nil || tree.Root() == nil {
			t.Fatalf("etree: %v", err)
		}
		var fromTree []xml.Name
		collect(tree.Root(), &fromTree)
		if len(fromStandard) > testLimits.Elements || len(fromStandard) != len(fromTree) {
			t.Fatalf("%d elements by encoding/xml, %d by etree", len(fromStandard), len(fromTree))
		}
		for i := range fromTree {
			if fromStandard[i] != fromTree[i] {
				t.Fatalf("element %d is %v by encoding/xml, %v by etree", i, fromStandard[i], fromTree[i])
			}
		}
		ours, err := read(doc, responseLimits())
		if err != nil {
			t.Fatal(err)
		}
		sameTree(t, ours, tree.Root())
	})
}

// sameTree compares the tree made in our walk with the one etree parses: names, attributes in order, text.
func sameTree(t *testing.T, ours, theirs *etree.Element) {
	t.Helper()
	if ours.FullTag() != theirs.FullTag() || len(ours.Attr) != len(theirs.Attr) || len(ours.Child) != len(theirs.Child) {
		t.Fatalf("%s with %d attributes, %d children; etree has %s, %d, %d", ours.FullTag(), len(ours.Attr), len(ours.Child), theirs.FullTag(), len(theirs.Attr), len(theirs.Child))
	}
	for i, a := range ours.Attr {
		if b := theirs.Attr[i]; a.FullKey() != b.FullKey() || a.Value != b.Value {
			t.Fatalf("attribute %s=%q, etree has %s=%q", a.FullKey(), a.Value, b.FullKey(), b.Value)
		}
	}
	for i, c := range ours.Child {
		switch c := c.(type) {
		case *etree.Element:
			sameTree(t, c, theirs.Child[i].(*etree.Element))
		case *etree.CharData:
			if b := theirs.Child[i].(*etree.CharData); c.Data != b.Data || c.Index() != b.Index() || c.Parent() != ours {
				t.Fatalf("text %q, etree has %q", c.Data, b.Data)
			}
		}
	}
}

func readByStandard(doc []byte) ([]xml.Name, error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	var names []xml.Name
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			names = append(names, token.Name)
			depth++
			if depth > testLimits.Depth || len(token.Attr) > testLimits.Attributes {
				return nil, errors.New("beyond the limits")
			}
		case xml.EndElement:
			depth--
		case xml.Comment, xml.Directive:
			return nil, errors.New("a comment or directive")
		case xml.ProcInst:
			if token.Target != "xml" {
				return nil, errors.New("a processing instruction")
			}
		}
	}
}

func collect(e *etree.Element, names *[]xml.Name) {
	*names = append(*names, xml.Name{Space: e.NamespaceURI(), Local: e.Tag})
	for _, c := range e.ChildElements() {
		collect(c, names)
	}
}
