package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// envPrefix begins every environment variable of ours.
const envPrefix = "SSOGATE_"

// setting is one leaf of the YAML: where it stands, what is known of it, and its place in the file struct.
type setting struct {
	path    string // "redis.mode"
	env     string // "SSOGATE_REDIS_MODE"
	preset  string // as in the default tag
	doc     string
	kind    string // text, number, switch, duration, list, numbers
	secret  bool
	address bool // the secret is an address with a password in it
	value   reflect.Value
}

// section is a mapping of the YAML: the settings and sections in it, in order.
type section struct {
	path, doc string
	entries   []entry
}

// entry is one key of a section; exactly one of its pointers is set, or services is true.
type entry struct {
	key      string
	setting  *setting
	section  *section
	services bool
	doc      string
}

// tree lists everything that may be set, bound to f.
func tree(f *file) *section { return sectionOf(reflect.ValueOf(f).Elem(), "", "") }

func sectionOf(v reflect.Value, path, doc string) *section {
	s := &section{path: path, doc: doc}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		key := field.Tag.Get("yaml")
		e := entry{key: key, doc: field.Tag.Get("doc")}
		at := join(path, key)
		switch {
		case field.Type.Kind() == reflect.Struct:
			e.section = sectionOf(v.Field(i), at, e.doc)
		case field.Type == reflect.TypeFor[[]serviceFile]():
			e.services = true
		default:
			e.setting = &setting{
				path: at, env: envPrefix + strings.ToUpper(strings.ReplaceAll(at, ".", "_")), preset: field.Tag.Get("default"),
				doc: e.doc, kind: kindOf(field), secret: field.Tag.Get("secret") != "",
				address: field.Tag.Get("secret") == "address", value: v.Field(i),
			}
		}
		s.entries = append(s.entries, e)
	}
	return s
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindOf(f reflect.StructField) string {
	if kind := f.Tag.Get("kind"); kind != "" {
		return kind
	}
	switch f.Type {
	case reflect.TypeFor[int]():
		return "number"
	case reflect.TypeFor[bool]():
		return "switch"
	case reflect.TypeFor[[]string]():
		return "list"
	case reflect.TypeFor[[]int]():
		return "numbers"
	}
	return "text"
}

// all walks the settings in order.
func (s *section) all(yield func(*setting) bool) bool {
	for _, e := range s.entries {
		if e.setting != nil && !yield(e.setting) {
			return false
		}
		if e.section != nil && !e.section.all(yield) {
			return false
		}
	}
	return true
}

// settings is the flat list.
func (s *section) settings() []*setting {
	var list []*setting
	s.all(func(t *setting) bool { list = append(list, t); return true })
	return list
}

// set reads one text into the setting; lists take commas (environment variables and defaults).
func (t *setting) set(text string) error {
	switch t.kind {
	case "list", "numbers":
		var items []string
		for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' }) {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		return t.setList(items)
	case "number":
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("want a whole number")
		}
		t.value.SetInt(int64(n))
	case "switch":
		if text != "true" && text != "false" {
			return fmt.Errorf("want true or false")
		}
		t.value.SetBool(text == "true")
	case "duration":
		if _, err := time.ParseDuration(text); err != nil {
			return fmt.Errorf("want a duration such as 30m or 24h")
		}
		t.value.SetString(text)
	default:
		t.value.SetString(text)
	}
	return nil
}

func (t *setting) setList(items []string) error {
	if t.kind == "list" {
		t.value.Set(reflect.ValueOf(items))
		return nil
	}
	var numbers []int
	for _, item := range items {
		n, err := strconv.Atoi(item)
		if err != nil {
			return fmt.Errorf("want whole numbers")
		}
		numbers = append(numbers, n)
	}
	t.value.Set(reflect.ValueOf(numbers))
	return nil
}

// serviceSection binds one entry of services.
func serviceSection(s *serviceFile, path string) *section {
	return sectionOf(reflect.ValueOf(s).Elem(), path, "")
}
