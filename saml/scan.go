package saml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The tokeniser of the gate: a subset of XML 1.0 (fifth edition). Names are ASCII, references are the five predefined
// entities and character references; everything else is refused, because SAML needs nothing else.

type rawAttribute struct{ prefix, local, value string }

func malformed(got string) error {
	return refuse("saml_malformed", "XML 2.1", "well-formed XML", got)
}

// declaration skips the XML declaration. A wrong declared encoding would make two parsers read two documents.
func (g *gatekeeper) declaration() error {
	if !g.l.Response {
		g.doc = strings.TrimPrefix(g.doc, "\xEF\xBB\xBF") // metadata files saved by hand on Windows
	}
	if strings.Contains(g.doc, "\xEF\xBF\xBE") || strings.Contains(g.doc, "\xEF\xBF\xBF") {
		return malformed("a character that XML forbids")
	}
	if !strings.HasPrefix(g.doc, "<?xml ") {
		return nil
	}
	end := strings.Index(g.doc, "?>")
	if end < 0 || end > maxNameBytes {
		return malformed("an endless XML declaration")
	}
	fields := strings.Fields(strings.ReplaceAll(g.doc[len("<?xml"):end], "'", `"`))
	if len(fields) == 0 || fields[0] != `version="1.0"` {
		return malformed("an XML declaration without version 1.0")
	}
	for _, f := range fields[1:] {
		switch {
		case strings.EqualFold(f, `encoding="utf-8"`):
		case f == `standalone="yes"` || f == `standalone="no"`:
		default:
			return refuse("saml_encoding", "XML 4.3.3", "UTF-8", clip(f))
		}
	}
	g.at = end + len("?>")
	return nil
}

func (g *gatekeeper) text() error {
	end := strings.IndexByte(g.doc[g.at:], '<')
	if end < 0 {
		end = len(g.doc) - g.at
	}
	run := g.doc[g.at : g.at+end]
	g.at += end
	if len(g.open) == 0 {
		if strings.Trim(run, " \t\r\n") != "" {
			return malformed("text outside the root")
		}
		return nil
	}
	if strings.Contains(run, "]]>") {
		return malformed("the end of a CDATA section in text")
	}
	err := characters(run)
	if err == nil && g.tree != nil {
		g.tree.text(run)
	}
	return err
}

func (g *gatekeeper) comment() error {
	if g.l.Response {
		// A comment splits a text in two: parsers disagree on what remains (CVE-2017-11427 and its kin).
		return refuse("saml_comment", "core 5.4.3", "no comment", "one")
	}
	body := g.doc[g.at+len("<!--"):]
	end := strings.Index(body, "--")
	if end < 0 || !strings.HasPrefix(body[end:], "-->") {
		return malformed("a comment without its end")
	}
	g.at += len("<!--") + end + len("-->")
	return controls(body[:end])
}

func (g *gatekeeper) cdata() error {
	if g.l.Response || len(g.open) == 0 {
		return refuse("saml_cdata", "c14n 2.1", "no CDATA section", "one")
	}
	body := g.doc[g.at+len("<![CDATA["):]
	end := strings.Index(body, "]]>")
	if end < 0 {
		return malformed("a CDATA section without its end")
	}
	g.at += len("<![CDATA[") + end + len("]]>")
	return controls(body[:end])
}

func (g *gatekeeper) endTag() error {
	g.at += len("</")
	name, _, _, err := g.name()
	if err != nil {
		return err
	}
	g.space()
	if g.at >= len(g.doc) || g.doc[g.at] != '>' {
		return malformed("an end tag that does not end")
	}
	g.at++
	if len(g.open) == 0 {
		return malformed("an end tag too many")
	}
	if g.open[len(g.open)-1].name != name {
		return malformed("an end tag of another element")
	}
	g.leave()
	return nil
}

func (g *gatekeeper) startTag() error {
	g.at++
	if len(g.open) == 0 && g.rootSeen {
		return malformed("a second root")
	}
	name, prefix, local, err := g.name()
	if err != nil {
		return err
	}
	g.attrs = g.attrs[:0]
	for {
		spaced := g.space()
		if g.at >= len(g.doc) {
			return malformed("a start tag that does not end")
		}
		switch g.doc[g.at] {
		case '>':
			g.at++
			return g.enter(name, prefix, local)
		case '/':
			if g.at+1 >= len(g.doc) || g.doc[g.at+1] != '>' {
				return malformed("a slash in a start tag")
			}
			g.at += len("/>")
			err = g.enter(name, prefix, local)
			if err != nil {
				return err
			}
			g.leave()
			return nil
		}
		if !spaced {
			return malformed("attributes that touch")
		}
		err = g.attribute()
		if err != nil {
			return err
		}
	}
}

func (g *gatekeeper) attribute() error {
	g.attributes++
	if len(g.attrs) >= g.l.Attributes || g.attributes > 4*g.l.Elements {
		return refuse("saml_too_complex", "limits", "at most "+strconv.Itoa(g.l.Attributes)+" attributes on an element", "more")
	}
	_, prefix, local, err := g.name()
	if err != nil {
		return err
	}
	g.space()
	if g.at >= len(g.doc) || g.doc[g.at] != '=' {
		return malformed("an attribute without a value")
	}
	g.at++
	g.space()
	if g.at >= len(g.doc) || (g.doc[g.at] != '"' && g.doc[g.at] != '\'') {
		return malformed("an attribute value without quotes")
	}
	quote := g.doc[g.at]
	g.at++
	end := strings.IndexByte(g.doc[g.at:], quote)
	if end < 0 {
		return malformed("an attribute value that does not end")
	}
	if end > maxValueBytes {
		return refuse("saml_too_complex", "limits", "attribute values up to "+strconv.Itoa(maxValueBytes)+" bytes", "a longer one")
	}
	value := g.doc[g.at : g.at+end]
	g.at += end + 1
	if strings.IndexByte(value, '<') >= 0 {
		return malformed("a tag inside an attribute value")
	}
	g.attrs = append(g.attrs, rawAttribute{prefix, local, value})
	return characters(value)
}

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
