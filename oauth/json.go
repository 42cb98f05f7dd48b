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

const maxDepth = 32

var errJSON = errors.New("oauth: not one JSON object without doubled names")

// parseObject reads exactly one JSON object. Doubled names, at any depth, are refused: two readers would take different ones
// (RFC 8259 section 4; RFC 7519 section 4). So are invalid UTF-8 and anything after the object.
func parseObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := value(d, 0)
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

func value(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errJSON
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return members(d, depth)
	case json.Delim('['):
		return elements(d, depth)
	}
	return t, nil
}

func members(d *json.Decoder, depth int) (object, error) {
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
		if o[name], err = value(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return o, err
}

func elements(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := value(d, depth+1)
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
