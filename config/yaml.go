package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readYAML walks the syntax tree instead of decoding into the struct: a decoder stops at the first fault, and the operator
// is to see them all, with their lines.
func (l *loader) readYAML(text []byte) {
	if !utf8.Valid(text) {
		l.faults = append(l.faults, Fault{Message: "the file is not UTF-8"})
		return
	}
	body, fault := syntax(text)
	if fault != nil {
		l.faults = append(l.faults, *fault)
		return
	}
	if body != nil {
		l.mapping(l.tree, body)
	}
}

// syntax parses the text, and makes a fault of everything the parser cannot do, its panics included.
func syntax(text []byte) (body ast.Node, fault *Fault) {
	defer func() {
		if recover() != nil {
			body, fault = nil, &Fault{Message: "the file is not YAML"}
		}
	}()
	// Keys given twice are found by the walk, together with all else.
	f, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, message := 0, "the file is not YAML"
		var syntaxError yaml.Error
		if errors.As(err, &syntaxError) {
			message = syntaxError.GetMessage()
			if t := syntaxError.GetToken(); t != nil && t.Position != nil {
				line = t.Position.Line
			}
		}
		return nil, &Fault{Line: line, Message: message}
	}
	for _, doc := range f.Docs {
		if doc == nil || doc.Body == nil || isNothing(doc.Body) {
			continue
		}
		if body != nil {
			return nil, &Fault{Line: lineOf(doc.Body), Message: "a second YAML document: there may only be one"}
		}
		body = doc.Body
	}
	return body, nil
}

func isNothing(n ast.Node) bool {
	return n == nil || n.Type() == ast.NullType || n.Type() == ast.CommentType
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// pairs are the keys of a mapping with their values, keys given twice reported.
func (l *loader) pairs(path string, n ast.Node) []*ast.MappingValueNode {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		l.faultAt(n, path, "want a section (key: value), got %s", kindName(n))
		return nil
	}
	seen := map[string]bool{}
	var unique []*ast.MappingValueNode
	for _, v := range values {
		key, ok := v.Key.(*ast.StringNode)
		switch {
		case !ok:
			l.faultAt(v.Key, path, "want a plain key, got %s", kindName(v.Key))
		case seen[key.Value]:
			l.faultAt(v.Key, join(path, key.Value), "given twice")
		default:
			seen[key.Value] = true
			unique = append(unique, v)
		}
	}
	return unique
}

func (l *loader) faultAt(n ast.Node, path, format string, args ...any) {
	l.faults = append(l.faults, Fault{Line: lineOf(n), Path: path, Message: fmt.Sprintf(format, args...)})
}

func (l *loader) mapping(s *section, n ast.Node) {
	pairs := l.pairs(s.path, n)
	given := map[string]bool{}
	for _, pair := range pairs {
		given[pair.Key.(*ast.StringNode).Value] = true
	}
	for _, pair := range pairs {
		key := pair.Key.(*ast.StringNode).Value
		path := join(s.path, key)
		l.lines[path] = lineOf(pair.Key)
		e, fromFile := s.find(key)
		switch {
		case e == nil:
			l.faultAt(pair.Key, path, "no such key%s", nearest(key, s.keys()))
		case e.services:
			l.services(path, pair.Value)
		case e.section != nil:
			if !isNothing(pair.Value) {
				l.mapping(e.section, pair.Value)
			}
		case fromFile && given[e.key]:
			l.faultAt(pair.Key, path, "%s is set as well: only one of the two", e.key)
		case fromFile:
			l.lines[e.setting.path] = lineOf(pair.Key)
			l.leafFromFile(e.setting, path, pair.Value)
		default:
			l.leaf(e.setting, pair.Value)
		}
	}
}

// find is the entry of a key; secrets also have the key <name>_file.
func (s *section) find(key string) (e *entry, fromFile bool) {
	for i := range s.entries {
		e := &s.entries[i]
		if e.key == key {
			return e, false
		}
		if e.setting != nil && e.setting.secret && e.key+"_file" == key {
			return e, true
		}
	}
	return nil, false
}

func (s *section) keys() []string {
	var keys []string
	for _, e := range s.entries {
		keys = append(keys, e.key)
		if e.setting != nil && e.setting.secret {
			keys = append(keys, e.key+"_file")
		}
	}
	return keys
}

func (l *loader) leafFromFile(t *setting, path string, n ast.Node) {
	name, ok := l.text(path, n)
	if !ok {
		return
	}
	value, err := readSecret(name)
	if err != nil {
		l.fault(path, "%v", err)
		return
	}
	if !utf8.ValidString(value) {
		l.fault(path, "file is not UTF-8")
		return
	}
	if err := t.set(value); err != nil {
		l.fault(path, "%v", err)
	}
}

func (l *loader) leaf(t *setting, n ast.Node) {
	switch t.kind {
	case "list", "numbers":
		sequence, ok := n.(*ast.SequenceNode)
		if !ok {
			l.fault(t.path, "want a list, got %s", kindName(n))
			return
		}
		var items []string
		for i, v := range sequence.Values {
			at := fmt.Sprintf("%s[%d]", t.path, i)
			l.lines[at] = lineOf(v)
			item, ok := l.item(t, at, v)
			if ok {
				items = append(items, item)
			}
		}
		if err := t.setList(items); err != nil {
			l.fault(t.path, "%v", err)
		}
	case "number":
		if number, ok := integer(n); ok {
			t.value.SetInt(int64(number))
			return
		}
		l.fault(t.path, "want a whole number, got %s", kindName(n))
	case "switch":
		b, ok := n.(*ast.BoolNode)
		if !ok {
			l.fault(t.path, "want true or false, got %s", kindName(n))
			return
		}
		t.value.SetBool(b.Value)
	default:
		if _, number := integer(n); number && t.kind == "duration" {
			l.fault(t.path, "want a duration such as 30m or 24h")
			return
		}
		text, ok := l.text(t.path, n)
		if !ok {
			return
		}
		if err := t.set(text); err != nil {
			l.fault(t.path, "%v", err)
		}
	}
}

func (l *loader) item(t *setting, path string, n ast.Node) (string, bool) {
	if t.kind == "list" {
		return l.text(path, n)
	}
	number, ok := integer(n)
	if !ok {
		l.fault(path, "want a whole number, got %s", kindName(n))
	}
	return strconv.Itoa(number), ok
}

// text is the value of a string, references resolved.
func (l *loader) text(path string, n ast.Node) (string, bool) {
	var text string
	switch s := n.(type) {
	case *ast.StringNode:
		text = s.Value
	case *ast.LiteralNode:
		text = strings.TrimRight(s.Value.Value, "\n")
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		l.fault(path, "want a text, got %s: put it in quotes", kindName(n))
		return "", false
	default:
		l.fault(path, "want a text, got %s", kindName(n))
		return "", false
	}
	text, err := l.expand(text)
	if err != nil {
		l.fault(path, "%v", err)
		return "", false
	}
	if !utf8.ValidString(text) {
		l.fault(path, "what the reference stands for is not UTF-8")
		return "", false
	}
	return text, true
}

func integer(n ast.Node) (int, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch v := i.Value.(type) {
	case int64:
		return int(v), true
	case uint64:
		return int(v), v <= 1<<31
	}
	return 0, false
}

// kindName says what stands there, never its value: it may be a secret at the wrong place.
func kindName(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "nothing (leave the key out to have the default)"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias, which are not supported here"
	case *ast.TagNode:
		return "a tag, which are not supported here"
	}
	return "something else"
}

// services reads the list of applications, the one list of sections.
func (l *loader) services(path string, n ast.Node) {
	if isNothing(n) {
		return
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		l.fault(path, "want a list of sections with name and access_hosts, got %s", kindName(n))
		return
	}
	for i, v := range sequence.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		l.lines[at] = lineOf(v)
		var s serviceFile
		l.mapping(serviceSection(&s, at), v)
		l.file.Services = append(l.file.Services, s)
	}
}
