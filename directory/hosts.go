package directory

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	hostLabel = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	hostEntry = regexp.MustCompile(`^(?:(https?)://)?(\*\.)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?$`)
)

const (
	mostURL     = 2048
	mostText    = 256
	mostEntries = 100
)

// validHost reports a DNS name in lower case, or with oneLabel also a single label.
func validHost(host string, oneLabel bool) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	if len(labels) == 1 && !oneLabel {
		return false
	}
	for _, l := range labels {
		if !hostLabel.MatchString(l) {
			return false
		}
	}
	last := labels[len(labels)-1] // browsers read a host whose last label begins with a digit as an IPv4 address
	return len(labels) == 1 || last[0] < '0' || last[0] > '9'
}

// cleanHosts checks entries such as "board.example.com", "board.example.com:8443", "*.corp.example" and
// "http://localhost:3000", and returns them in lower case.
func cleanHosts(entries []string, field string, f *Faults) []string {
	if len(entries) > mostEntries {
		f.add(field, FaultTooLong, "at most "+strconv.Itoa(mostEntries)+" entries")
		return entries
	}
	out := make([]string, 0, len(entries))
	for i, e := range entries {
		e = strings.ToLower(strings.TrimSpace(e))
		if !validEntry(e) {
			f.add(field+"["+strconv.Itoa(i)+"]", FaultPattern, `want an entry such as "board.example.com", "board.example.com:8443", "*.corp.example" or "http://localhost:3000"`)
		}
		out = append(out, e)
	}
	return out
}

func validEntry(e string) bool {
	part := hostEntry.FindStringSubmatch(e)
	if part == nil {
		return false
	}
	wild, host, port := part[2] != "", part[3], part[4]
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n > 65535 {
			return false
		}
	}
	if wild { // the suffix is itself more than a top-level label, or everybody's hosts would be meant
		return validHost(host, false)
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		return canonicalIP(strings.TrimSuffix(inner, "]"))
	}
	return validHost(host, true) || canonicalIP(host)
}

func canonicalIP(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == "" && a.String() == s
}

// checkURL wants an absolute http or https URL without user information and fragment, in ASCII, of at most 2048 bytes.
func checkURL(f *Faults, field, raw string) {
	const want = "want an absolute http or https URL without user information and fragment"
	if len(raw) > mostURL {
		f.add(field, FaultTooLong, "at most "+strconv.Itoa(mostURL)+" bytes")
		return
	}
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] >= 0x7f || raw[i] == '\\' {
			f.add(field, FaultURL, want)
			return
		}
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Opaque != "" || u.User != nil || u.Hostname() == "" ||
		strings.Contains(raw, "#") || !validAuthority(u) {
		f.add(field, FaultURL, want)
	}
}

func validAuthority(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if !validHost(host, true) && !canonicalIP(host) {
		return false
	}
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// checkText wants valid UTF-8 of at most so many characters without control characters.
func checkText(f *Faults, field, s string, most int) {
	switch {
	case !plain(s):
		f.add(field, FaultPattern, "control characters are not allowed")
	case utf8.RuneCountInString(s) > most:
		f.add(field, FaultTooLong, "at most "+strconv.Itoa(most)+" characters")
	}
}

// plain reports valid UTF-8 without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func isOneOf[T ~string](v T, of ...T) bool {
	for _, o := range of {
		if v == o {
			return true
		}
	}
	return false
}
