package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
	"time"
)

// view is what a thing looks like to a reader: names and values, without secrets.
type view map[string]string

// viewOf takes the names from the JSON form, so that a field added later is never forgotten in a comparison.
func viewOf(v any, without ...string) view {
	data, err := json.Marshal(v)
	if err != nil {
		return view{"error": err.Error()}
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return view{"error": err.Error()}
	}
	out := make(view, len(raw))
	for name, value := range raw {
		if slices.Contains(without, name) {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		if text != "null" && text != "[]" {
			out[name] = text
		}
	}
	return out
}

func domainView(d Domain) view {
	v := viewOf(d, "id", "name", "generation", "created", "updated", "session_idle", "session_absolute")
	v["session_idle"], v["session_absolute"] = spanText(d.SessionIdle), spanText(d.SessionAbsolute)
	return v
}

func spanText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func memberView(m Member) view {
	return viewOf(m, "id", "domain_id", "generation", "version", "created", "updated", "deleted")
}

func serviceView(s Service) view { return viewOf(s, "name", "updated") }

// connectionView shows certificates as fingerprints. The client secret stands in it as its hash, for the comparison only;
// see masked.
func connectionView(c Connection) view {
	out := view{"type": string(c.Type)}
	if c.SAML != nil {
		s := *c.SAML
		prints := make([]string, len(s.Certificates))
		for i, cert := range s.Certificates {
			prints[i] = fingerprint(cert)
		}
		for name, value := range viewOf(s, "certificates") {
			out["saml."+name] = value
		}
		out["saml.certificates"] = strings.Join(prints, ", ")
	}
	if c.OAuth != nil {
		o := *c.OAuth
		o.ClientSecret = ""
		for name, value := range viewOf(o) {
			out["oauth."+name] = value
		}
		if c.OAuth.ClientSecret != "" {
			sum := sha256.Sum256([]byte(c.OAuth.ClientSecret))
			out[secretField] = hex.EncodeToString(sum[:])
		}
	}
	return out
}

const secretField = "oauth.client_secret"

// diff lists the names whose values differ, by name.
func diff(old, now view) []FieldChange {
	names := map[string]bool{}
	for name := range old {
		names[name] = true
	}
	for name := range now {
		names[name] = true
	}
	var out []FieldChange
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if old[name] == now[name] {
			continue
		}
		c := FieldChange{Name: name, Old: old[name], New: now[name]}
		if name == secretField {
			c = masked(c)
		}
		out = append(out, c)
	}
	return out
}

func masked(c FieldChange) FieldChange {
	hadOne := c.Old != ""
	if hadOne {
		c.Old = "set"
	}
	switch {
	case c.New != "" && hadOne:
		c.New = "changed"
	case c.New != "":
		c.New = "set"
	}
	return c
}

// detail writes field changes as pairs for an audit event.
func detail(fields []FieldChange) []string {
	out := make([]string, 0, 2*len(fields))
	for _, f := range fields {
		out = append(out, f.Name, cut(f.Old)+" -> "+cut(f.New))
	}
	return out
}

// names lists which fields changed, for records that may not hold a person's values.
func names(fields []FieldChange) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.Name
	}
	return strings.Join(out, ",")
}

func cut(s string) string {
	if r := []rune(s); len(r) > mostText {
		return string(r[:mostText])
	}
	return s
}

func fingerprint(cert string) string {
	block, _ := pem.Decode([]byte(cert))
	if block == nil {
		return "unreadable"
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}
