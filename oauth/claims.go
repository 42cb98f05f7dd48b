package oauth

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxUserKey    = 255 // bytes, security.md 2.4
	maxAttributes = 64
	maxValues     = 16
	maxNested     = 3
)

// at finds a value by name, or by a path with dots. The whole name is tried first: claims such as https://example.com/id have
// dots of their own.
func (o object) at(path string) any {
	if v := o[path]; v != nil {
		return v
	}
	head, rest, dotted := strings.Cut(path, ".")
	if !dotted {
		return nil
	}
	inner, _ := o[head].(object)
	return inner.at(rest)
}

var integer = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,38})$`)

// keyText is a value as user key: a string, or with integers allowed a whole number in its own digits. 1.0, 1e3 and -0 are
// other spellings of a number and could make two persons of one, or one of two.
func keyText(v any, integers bool) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), integers && integer.MatchString(v.String())
	}
	return "", false
}

// judgeKey accepts a user key: present, at most 255 bytes, whole characters, none of them a control character.
func judgeKey(t *trail, section, claim string, v any, integers bool) (string, error) {
	key, ok := keyText(v, integers)
	got := plain(v)
	if ok && len(key) > maxUserKey {
		got = fmt.Sprintf("%d bytes", len(key))
	}
	ok = ok && key != "" && len(key) <= maxUserKey && wholeText(key)
	err := t.judge(ok, "user key", Refusal{Code: codeUserKey, Section: section, Want: claim + ": a non-empty string of at most 255 bytes", Got: got, Fix: AtIdentityProvider})
	if err != nil {
		return "", err
	}
	return key, nil
}

// wholeText refuses U+FFFD: JSON puts it for half a surrogate pair, so that different keys would become the same.
func wholeText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError })
}

// fill reads the further claims from the sources, the first one that has a claim wins.
func (c *client) fill(claims *Claims, t *trail, sources ...object) {
	names := c.cfg.NameClaims
	if len(names) > 0 {
		claims.FamilyName = firstText(names[0], sources)
	}
	if len(names) > 1 {
		claims.GivenName = firstText(names[1], sources)
	}
	claims.Email = c.email(sources)
	claims.Attributes = attributes(t, sources)
}

func firstText(path string, sources []object) string {
	for _, o := range sources {
		if s, _ := o.at(path).(string); s != "" && wholeText(s) && len(s) <= maxText {
			return s
		}
	}
	return ""
}

// email is for creating a member, never for finding one. One that the provider says is unverified is left out; where it does
// not say (Entra, AD FS), it vouches for its own directory.
func (c *client) email(sources []object) string {
	claim := c.cfg.EmailClaim
	if claim == "" && c.cfg.Profile == "oidc" {
		claim = "email" // taken when it is there; user information is asked only for a claim that was named
	}
	for _, o := range sources {
		s, _ := o.at(claim).(string)
		if s == "" || !wholeText(s) || len(s) > maxText {
			continue
		}
		if claim == "email" && o.has("email_verified") && o["email_verified"] != true {
			return ""
		}
		return s
	}
	return ""
}

// attributes are for the administrator's trace: bounded, flat, without anything that opens a door.
func attributes(t *trail, sources []object) map[string][]string {
	all := map[string][]string{}
	for _, o := range sources {
		collect(t, all, "", o, 0)
	}
	return all
}

var doors = regexp.MustCompile(`(?i)token|secret|password|passwd|nonce|hash`)

func collect(t *trail, all map[string][]string, prefix string, o object, depth int) {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names) // which ones are cut must not change from one login to the next
	for _, name := range names {
		label := t.clean(prefix + name)
		if _, taken := all[label]; taken || len(all) >= maxAttributes || doors.MatchString(name) {
			continue
		}
		switch v := o[name].(type) {
		case nil:
		case object:
			if depth < maxNested {
				collect(t, all, prefix+name+".", v, depth+1)
			}
		case []any:
			for i := range min(len(v), maxValues) {
				all[label] = append(all[label], t.clean(plain(v[i])))
			}
		default:
			all[label] = []string{t.clean(plain(v))}
		}
	}
}
