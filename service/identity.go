package service

import (
	"net/http"
	"strings"
	"time"

	"github.com/ssogate/ssogate/session"
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

// setIdentity writes the headers; an empty token or external key leaves its header out. The names are canonical already, and
// one array holds every value: this is the hottest path.
func setIdentity(h http.Header, rec session.Record, token string) {
	account := headerValue(rec.Account)
	values := [...]string{
		account, headerValue(rec.Name), headerValue(rec.MemberID), headerValue(rec.Domain),
		rec.Expires.UTC().Format(time.RFC3339), headerValue(rec.ExternalKey), token,
	}
	h[HeaderUser], h[HeaderEmail], h[HeaderPreferred] = values[0:1:1], values[0:1:1], values[0:1:1]
	h[HeaderName], h[HeaderMember], h[HeaderDomain] = values[1:2:2], values[2:3:3], values[3:4:4]
	h[HeaderExpires] = values[4:5:5]
	if rec.ExternalKey != "" {
		h[HeaderExternalKey] = values[5:6:6]
	}
	if token != "" {
		h[HeaderJWT] = values[6:7:7]
	}
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
