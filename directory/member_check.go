package directory

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of seed 003, in characters.
const (
	mostAccount = 90
	mostKey     = 100
)

// keyForbidden are the characters that an external key may not hold; the seed lost the backslash (line-works.md 3.2).
const keyForbidden = `%\#/?`

// nameSpecials are the special characters that names may hold (seed 003).
const nameSpecials = "!@&()-_+[]{},./#'`^~"

var (
	// localForm: starts with a letter or a number; letters, numbers, hyphen, underscore; single dots inside only.
	localForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*$`)
	privateForm = regexp.MustCompile("^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+$") // RFC 5322 3.2.3, dot-atom
)

// memberRule is one row of the table of what a member may look like.
type memberRule struct {
	field string
	value func(*Member) string
	need  bool              // may not be empty
	most  int               // characters
	form  func(string) bool // of what is not empty
	says  string
}

// memberRules is the table of seed 003 (User API, SCIM core and works extension), in the order of its properties.
func memberRules(domain string) []memberRule {
	const email = "want localpart@domain"
	return []memberRule{
		{"account", func(m *Member) string { return m.Account }, true, mostAccount, func(s string) bool { return strings.Count(s, "@") == 1 }, email},
		{"account", func(m *Member) string { return local(m.Account) }, false, 0, func(s string) bool { return localForm.MatchString(s) },
			"before the @ want English letters, numbers, dot, hyphen and underscore; a letter or number first; single dots inside only"},
		{"account", func(m *Member) string { return local(m.Account) }, false, 0, func(s string) bool { return len(s) >= 2 && len(s) <= 40 }, "before the @ want 2 to 40 characters"},
		{"account", func(m *Member) string { return host(m.Account) }, false, 0, func(s string) bool { return s == domain }, "after the @ want " + domain},
		{"name", func(m *Member) string { return m.FamilyName + m.GivenName }, true, 80, nil, ""},
		{"family_name", func(m *Member) string { return m.FamilyName }, false, 0, nameForm, "of special characters only " + nameSpecials + " are allowed"},
		{"given_name", func(m *Member) string { return m.GivenName }, false, 0, nameForm, "of special characters only " + nameSpecials + " are allowed"},
		{"nick_name", func(m *Member) string { return m.NickName }, false, 100, nameForm, "of special characters only " + nameSpecials + " are allowed"},
		{"external_key", func(m *Member) string { return m.ExternalKey }, false, mostKey, keyForm, `% \ # / ? and control characters are not allowed`},
		{"private_email", func(m *Member) string { return m.PrivateMail }, false, 0, privateMailForm, email + ", at most 64 and 253 characters"},
		{"language", func(m *Member) string { return m.Language }, true, 0, nil, ""},
		{"time_zone", func(m *Member) string { return m.TimeZone }, true, 0, nil, ""},
	}
}

// checkMember lists everything wrong with a member of the domain.
func checkMember(m *Member, dom Domain) Faults {
	var f Faults
	for _, r := range memberRules(dom.Name) {
		v := r.value(m)
		switch {
		case v == "" && r.need:
			f.add(r.field, FaultRequired, "required")
		case r.most > 0 && utf8.RuneCountInString(v) > r.most:
			f.add(r.field, FaultTooLong, "too long")
		case v != "" && r.form != nil && !r.form(v):
			f.add(r.field, faultCode(r), r.says)
		}
	}
	if m.Language != "" {
		checkLanguage(&f, "language", m.Language)
	}
	if m.TimeZone != "" {
		checkTimeZone(&f, "time_zone", m.TimeZone)
	}
	return f
}

func faultCode(r memberRule) string {
	switch {
	case strings.HasPrefix(r.says, "after the @"):
		return FaultForeign
	case strings.HasPrefix(r.says, "before the @ want 2"):
		return FaultRange
	}
	return FaultPattern
}

func local(account string) string {
	l, _, _ := strings.Cut(account, "@")
	return l
}

func host(account string) string {
	_, h, _ := strings.Cut(account, "@")
	return h
}

// nameForm allows the letters, marks and numbers of every script, spaces, and the special characters of the seed.
func nameForm(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !nameRune(r) })
}

func nameRune(r rune) bool {
	switch {
	case r == utf8.RuneError:
		return false
	case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsNumber(r), r == ' ', r == '\u3000':
		return true
	}
	return strings.ContainsRune(nameSpecials, r)
}

// keyForm is what an external key may look like; its length is judged beside it.
func keyForm(s string) bool { return plain(s) && !strings.ContainsAny(s, keyForbidden) }

// validKey reports a complete external key.
func validKey(s string) bool { return s != "" && utf8.RuneCountInString(s) <= mostKey && keyForm(s) }

func privateMailForm(s string) bool {
	l, h, ok := strings.Cut(s, "@")
	return ok && len(l) <= 64 && privateForm.MatchString(l) && !strings.HasPrefix(l, ".") && !strings.HasSuffix(l, ".") &&
		!strings.Contains(l, "..") && validHost(lowerASCII(h), false)
}
