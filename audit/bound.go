package audit

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of an Attempt. What comes from a browser or an identity provider is cut to them before it is kept.
const (
	MostText     = 256 // bytes of any one text
	MostNames    = 64  // names of claims
	MostValues   = 16  // values of one claim
	MostAsked    = 32
	MostChecks   = 64
	MostRequests = 16
)

// Bound returns a copy of the attempt that keeps the documented bounds: every text is valid UTF-8 without control characters
// and at most MostText bytes, lists and maps are cut, the access URL has neither query nor fragment, and times are UTC in
// microseconds. Names beyond a bound are dropped in order of name, so that the same input always gives the same record.
func Bound(a Attempt) Attempt {
	for _, s := range []*string{&a.Ref, &a.DomainID, &a.Domain, &a.Protocol, &a.Initiator, &a.Address, &a.UserAgent,
		(*string)(&a.Verdict), &a.Code, &a.Want, &a.Got, (*string)(&a.Fix), &a.MemberID} {
		*s = clean(*s)
	}
	a.AccessURL, _, _ = strings.Cut(a.AccessURL, "?")
	a.AccessURL, _, _ = strings.Cut(a.AccessURL, "#")
	a.AccessURL = clean(a.AccessURL)
	a.Started, a.Finished, a.Expires = moment(a.Started), moment(a.Finished), moment(a.Expires)
	a.Asked = boundAsked(a.Asked)
	a.Claims = boundClaims(a.Claims)
	a.Checks = boundChecks(a.Checks)
	a.RequestIDs = cleanAll(a.RequestIDs, MostRequests)
	return a
}

// Stands is the verdict as a reader shows it: an attempt that was started and whose time is over has expired.
func Stands(a Attempt, now time.Time) Verdict {
	if a.Verdict == Started && !a.Expires.IsZero() && !now.Before(a.Expires) {
		return Expired
	}
	return a.Verdict
}

func boundAsked(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, min(len(in), MostAsked))
	for _, name := range firstKeys(in, MostAsked) {
		out[clean(name)] = clean(in[name])
	}
	return out
}

func boundClaims(in map[string][]string) map[string][]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string][]string, min(len(in), MostNames))
	for _, name := range firstKeys(in, MostNames) {
		out[clean(name)] = cleanAll(in[name], MostValues)
	}
	return out
}

func boundChecks(in []Check) []Check {
	if len(in) == 0 {
		return nil
	}
	out := slices.Clone(in[:min(len(in), MostChecks)])
	for i := range out {
		c := &out[i]
		c.Name, c.Section, c.Want, c.Got = clean(c.Name), clean(c.Section), clean(c.Want), clean(c.Got)
	}
	return out
}

func firstKeys[V any](m map[string]V, most int) []string {
	keys := slices.Sorted(maps.Keys(m))
	return keys[:min(len(keys), most)]
}

func cleanAll(in []string, most int) []string {
	if len(in) == 0 {
		return nil
	}
	out := slices.Clone(in[:min(len(in), most)])
	for i := range out {
		out[i] = clean(out[i])
	}
	return out
}

// clean cuts first, so that a text of megabytes costs no more than a short one.
func clean(s string) string {
	if len(s) > MostText {
		end := MostText
		for end > MostText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	if !strings.ContainsFunc(s, unwanted) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unwanted(r) {
			return -1
		}
		return r
	}, s)
}

// unwanted are control characters, line and paragraph separators, characters that turn the direction of writing (a page
// would show something else than what was compared), and the mark of broken UTF-8.
func unwanted(r rune) bool {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r):
		return true
	case r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return true
	}
	return false
}

func moment(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
