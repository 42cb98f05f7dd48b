package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// object is a JSON object as it was written: numbers keep their digits.
type object map[string]any

const (
	maxDepth = 32
	maxParts = 20000 // in one document: a megabyte of small ones would cost a hundred megabytes
)

var errJSON = errors.New("oauth: not one JSON object without doubled names")

// parseObject reads exactly one JSON object. Doubled names, at any depth, are refused: two readers would take different ones
// (RFC 8259 section 4; RFC 7519 section 4). So are invalid UTF-8, anything after the object, and what is too deep or too much.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, errJSON
	}
	d := reader{json.NewDecoder(bytes.NewReader(body)), maxParts}
	d.UseNumber()
	v, err := d.value(0)
	if err != nil {
		return nil, errJSON
	}
	o, ok := v.(object)
	if !ok {
		return nil, errJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errJSON
	}
	return o, nil
}

// reader counts the values that it may still read.
type reader struct {
	*json.Decoder
	left int
}

func (d *reader) value(depth int) (any, error) {
	d.left--
	if depth > maxDepth || d.left < 0 {
		return nil, errJSON
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return d.members(depth)
	case json.Delim('['):
		return d.elements(depth)
	}
	return t, nil
}

func (d *reader) members(depth int) (object, error) {
	o := object{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if _, doubled := o[name]; !ok || doubled {
			return nil, errJSON
		}
		if o[name], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return o, err
}

func (d *reader) elements(depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

// text is the string of that name, "" when it is absent or of another kind.
func (o object) text(name string) string {
	s, _ := o[name].(string)
	return s
}

// has tells a value from an absent one; null is absent.
func (o object) has(name string) bool { return o[name] != nil }

// texts is a string or an array of strings (aud, RFC 7519 section 4.1.3); ok is false for anything else.
func (o object) texts(name string) (list []string, ok bool) {
	switch v := o[name].(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

// seconds is a NumericDate (RFC 7519 section 2), fractions dropped.
func (o object) seconds(name string) (int64, bool) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.Abs(f) > 1<<40 {
		return 0, false
	}
	return int64(math.Floor(f)), true
}

// plain shows a value in a trace: kind and content, never deep.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "absent"
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	default:
		return "an object"
	}
}
