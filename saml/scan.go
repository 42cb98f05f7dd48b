package saml

import (
	"strconv"
	"strings"
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
