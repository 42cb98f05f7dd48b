package saml

import (
	"bytes"
	"encoding/xml"
)

// markup is an XML document under way. raw takes only constants of this package; everything else goes through attr and text,
// which escape.
type markup []byte

func (m *markup) raw(constant string) { *m = append(*m, constant...) }

func (m *markup) attr(name, value string) {
	*m = append(*m, ' ')
	*m = append(*m, name...)
	*m = append(*m, '=', '"')
	m.text(value)
	*m = append(*m, '"')
}

// text escapes what has a meaning in XML, also inside an attribute value; what XML cannot hold becomes U+FFFD.
func (m *markup) text(s string) {
	if isPlain(s) {
		*m = append(*m, s...)
		return
	}
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // writing to a bytes.Buffer does not fail
	*m = append(*m, b.Bytes()...)
}

func isPlain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			return false
		}
	}
	return true
}
