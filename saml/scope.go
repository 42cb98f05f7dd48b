package saml

import (
	"strconv"
	"strings"
)

// bind puts the declarations of the element just read in scope (Namespaces in XML 1.0, sections 3 and 5) and notes its IDs.
func (g *gatekeeper) bind() error {
	for _, a := range g.attrs {
		err := g.bindOne(a)
		if err != nil {
			return err
		}
		err = g.noteID(a)
		if err != nil {
			return err
		}
	}
	if len(g.scope) > maxInScope {
		return refuse("saml_too_complex", "limits", "at most "+strconv.Itoa(maxInScope)+" namespace declarations in scope", "more")
	}
	return nil
}

func (g *gatekeeper) bindOne(a rawAttribute) error {
	isDefault := a.prefix == "" && a.local == "xmlns"
	isPrefixed := a.prefix == "xmlns"
	if !isDefault && !isPrefixed {
		return nil
	}
	// Reserved prefixes and names have no business here, and a reference in a namespace name has none either.
	reserved := isPrefixed && (a.local == "xml" || a.local == "xmlns" || a.value == "")
	if reserved || a.value == nsXML || a.value == nsXMLNS || strings.IndexByte(a.value, '&') >= 0 {
		return refuse("saml_namespace", "namespaces 3", "an ordinary namespace declaration", "a reserved or empty one")
	}
	if len(a.value) > maxSpaceBytes {
		return refuse("saml_too_complex", "limits", "namespace names up to "+strconv.Itoa(maxSpaceBytes)+" bytes", "a longer one")
	}
	prefix := ""
	if isPrefixed {
		prefix = a.local
	}
	g.scope = append(g.scope, binding{prefix, a.value})
	return nil
}

// noteID refuses an ID that occurs twice under any of the names that some verifier takes for an ID: with two, a signature
// over one could be read as a signature over the other.
func (g *gatekeeper) noteID(a rawAttribute) error {
	isXMLID := a.prefix == "xml" && a.local == "id"
	isID := a.prefix == "" && (a.local == "ID" || a.local == "Id" || a.local == "id")
	if !isXMLID && !isID {
		return nil
	}
	if a.value == "" || len(a.value) > maxNameBytes || strings.ContainsAny(a.value, "& \t\r\n") {
		return refuse("saml_malformed", "XML 3.3.1", "an ID without white space or references", "another")
	}
	if _, seen := g.ids[a.value]; seen {
		return refuse("saml_duplicate_id", "core 1.3.4", "every ID once", "one twice")
	}
	g.ids[a.value] = struct{}{}
	return nil
}

func (g *gatekeeper) lookup(prefix string) (uri string, ok bool) {
	for i := len(g.scope) - 1; i >= 0; i-- {
		if g.scope[i].prefix == prefix {
			return g.scope[i].uri, true
		}
	}
	if prefix == "xml" {
		return nsXML, true
	}
	return "", prefix == ""
}

// uniqueAttributes refuses undeclared prefixes and two attributes of one name, also when only their namespaces tell.
func (g *gatekeeper) uniqueAttributes() error {
	for i, a := range g.attrs {
		for _, b := range g.attrs[:i] {
			if a.local == b.local && g.sameSpace(a.prefix, b.prefix) {
				return refuse("saml_duplicate_attribute", "namespaces 6.3", "every attribute once", "one twice")
			}
		}
		if a.prefix == "" || a.prefix == "xmlns" {
			continue
		}
		if _, ok := g.lookup(a.prefix); !ok {
			return refuse("saml_namespace", "namespaces 5", "a declared prefix", "an undeclared one on an attribute")
		}
	}
	return nil
}

func (g *gatekeeper) sameSpace(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" || a == "xmlns" || b == "xmlns" {
		return false
	}
	uriA, _ := g.lookup(a)
	uriB, _ := g.lookup(b)
	return uriA == uriB
}
