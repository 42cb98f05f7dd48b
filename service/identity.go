package service

import (
	"strings"
	"time"

	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// Identity headers of an answer. Values outside printable ASCII are percent-encoded as UTF-8. A proxy must remove headers
// of these names, in every spelling, from what the browser sent.
const (
	HeaderUser        = "X-Auth-Request-User"               // account
	HeaderEmail       = "X-Auth-Request-Email"              // account, which is shaped like an e-mail address
	HeaderPreferred   = "X-Auth-Request-Preferred-Username" // account
	HeaderName        = "X-Auth-Request-Name"               // display name
	HeaderMember      = "X-Auth-Request-Member"             // member ID, never changes
	HeaderDomain      = "X-Auth-Request-Domain"             // domain name
	HeaderExternalKey = "X-Auth-Request-External-Key"       // left out when the member has none
	HeaderExpires     = "X-Auth-Request-Expires"            // end of the session, RFC 3339
	HeaderJWT         = "X-Auth-Request-Jwt"                // the same, signed; only where asked for
)

// identityLines are the headers; an empty token or external key leaves its header out. The names are canonical.
func identityLines(rec session.Record, token string) []web.Line {
	account := headerValue(rec.Account)
	lines := append(make([]web.Line, 0, 9),
		web.Line{Name: HeaderUser, Value: account}, web.Line{Name: HeaderEmail, Value: account},
		web.Line{Name: HeaderPreferred, Value: account}, web.Line{Name: HeaderName, Value: headerValue(rec.Name)},
		web.Line{Name: HeaderMember, Value: headerValue(rec.MemberID)}, web.Line{Name: HeaderDomain, Value: headerValue(rec.Domain)},
		web.Line{Name: HeaderExpires, Value: rec.Expires.UTC().Format(time.RFC3339)})
	if rec.ExternalKey != "" {
		lines = append(lines, web.Line{Name: HeaderExternalKey, Value: headerValue(rec.ExternalKey)})
	}
	if token != "" {
		lines = append(lines, web.Line{Name: HeaderJWT, Value: token})
	}
	return lines
}

const upperHex = "0123456789ABCDEF"

// headerValue percent-encodes what may not stand in a header, the percent sign itself and blanks at the ends, which HTTP cuts
// off (RFC 9110 section 5.5): decoding is exact.
func headerValue(s string) string {
	clean := true
	for i := range len(s) {
		if encoded(s, i) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	b.Grow(3 * len(s))
	for i := range len(s) {
		if c := s[i]; encoded(s, i) {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func encoded(s string, i int) bool {
	c := s[i]
	return c < ' ' || c > '~' || c == '%' || c == ' ' && (i == 0 || i == len(s)-1)
}
