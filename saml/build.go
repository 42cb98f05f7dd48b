package saml

import (
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// builder makes the tree of a document while the gate walks it. What reaches it has been judged, so it cannot fail. Its
// strings share the memory of the document.
type builder struct {
	root, current *etree.Element
}

func (b *builder) start(prefix, local string, attributes []rawAttribute) {
	e := &etree.Element{Space: prefix, Tag: local}
	if len(attributes) > 0 {
		e.Attr = make([]etree.Attr, len(attributes))
		for i, a := range attributes {
			e.Attr[i] = etree.Attr{Space: a.prefix, Key: a.local, Value: unescape(a.value)}
		}
	}
	if b.current == nil {
		b.root = e
	} else {
		b.current.AddChild(e)
	}
	b.current = e
}

func (b *builder) text(run string) { b.current.CreateText(unescape(run)) }

func (b *builder) end() { b.current = b.current.Parent() }

// unescape resolves the references of text that characters accepted, and line ends as XML 2.11 wants them.
func unescape(run string) string {
	if strings.IndexByte(run, '&') < 0 && strings.IndexByte(run, '\r') < 0 {
		return run
	}
	var out strings.Builder
	out.Grow(len(run))
	for i := 0; i < len(run); i++ {
		switch c := run[i]; c {
		case '\r':
			out.WriteByte('\n')
			if i+1 < len(run) && run[i+1] == '\n' {
				i++
			}
		case '&':
			end := i + strings.IndexByte(run[i:], ';')
			out.WriteRune(referenced(run[i+1 : end]))
			i = end
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// referenced is the character of an entity or character reference, given without & and ;.
func referenced(name string) rune {
	switch name {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return '\uFFFD' // not reached: referenceAt in scan.go parsed the same digits
	}
	return rune(n)
}
