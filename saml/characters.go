package saml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// name reads a qualified name of ASCII letters, digits, '_', '-' and '.' with at most one colon.
func (g *gatekeeper) name() (name, prefix, local string, err error) {
	start, colon := g.at, -1
	for ; g.at < len(g.doc); g.at++ {
		c := g.doc[g.at]
		first := g.at == start || g.at == colon+1 && colon >= 0
		switch {
		case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
			continue
		case !first && (c == '-' || c == '.' || c >= '0' && c <= '9'):
			continue
		case !first && c == ':' && colon < 0:
			colon = g.at
			continue
		}
		break
	}
	name = g.doc[start:g.at]
	if len(name) == 0 || g.at == colon+1 && colon >= 0 {
		return "", "", "", malformed("a name that is none")
	}
	if len(name) > maxNameBytes {
		return "", "", "", refuse("saml_too_complex", "limits", "names up to "+strconv.Itoa(maxNameBytes)+" bytes", "a longer one")
	}
	if colon < 0 {
		return name, "", name, nil
	}
	return name, g.doc[start:colon], g.doc[colon+1 : g.at], nil
}

func (g *gatekeeper) space() bool {
	start := g.at
	for g.at < len(g.doc) {
		switch g.doc[g.at] {
		case ' ', '\t', '\r', '\n':
			g.at++
			continue
		}
		break
	}
	return g.at > start
}

// characters accepts the characters of XML 2.2 and references to them.
func characters(run string) error {
	for i := 0; i < len(run); i++ {
		switch c := run[i]; {
		case c == '&':
			n, ok := referenceAt(run[i:])
			if !ok {
				return refuse("saml_entity", "XML 4.6", "predefined entities only", "another entity or character reference")
			}
			i += n - 1
		case c < 0x20 && c != '\t' && c != '\n' && c != '\r':
			return malformed("a control character")
		}
	}
	return nil
}

func controls(run string) error {
	for i := 0; i < len(run); i++ {
		if c := run[i]; c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return malformed("a control character")
		}
	}
	return nil
}

// referenceAt tells how long the reference at the start of run is, and whether it is one we know.
func referenceAt(run string) (int, bool) {
	end := strings.IndexByte(run[:min(len(run), len("&#x10FFFF;")+2)], ';')
	if end < 2 {
		return 0, false
	}
	body := run[1:end]
	switch body {
	case "lt", "gt", "amp", "quot", "apos":
		return end + 1, true
	}
	digits, numeric := strings.CutPrefix(body, "#")
	if !numeric {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, false
	}
	r := rune(n)
	allowed := n <= utf8.MaxRune && utf8.ValidRune(r) && (n >= 0x20 || n == '\t' || n == '\n' || n == '\r') && n != 0xFFFE && n != 0xFFFF
	return end + 1, allowed
}
