package saml

import "encoding/xml"

// place judges where an element stands: the root's name, and for a response the places that wrapping attacks need.
func (g *gatekeeper) place(e *openElement, uri, local string) error {
	if len(g.open) == 0 {
		e.kind = kindRoot
		return g.root(uri, local)
	}
	if uri == nsSignature && local == "Object" {
		return refuse("saml_ds_object", "core 5.4", "no ds:Object", "one")
	}
	if !g.l.Response {
		return nil
	}
	parent := &g.open[len(g.open)-1]
	switch {
	case uri == nsAssertion && (local == "Assertion" || local == "EncryptedAssertion"):
		return g.assertion(e, parent)
	case uri == nsSignature && local == "Signature":
		return g.signature(parent)
	case uri == nsProtocol && local == "Response":
		return refuse("saml_misplaced_element", "core 3.3.3", "one Response, the root", "a Response inside")
	}
	return nil
}

func (g *gatekeeper) root(uri, local string) error {
	g.rootSeen = true
	for _, want := range g.l.Roots {
		if uri == want.Space && local == want.Local {
			return nil
		}
	}
	return refuse("saml_root", "core 3.3.3", rootNames(g.l.Roots), clip("{"+uri+"}"+local))
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
