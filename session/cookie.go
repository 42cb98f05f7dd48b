package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

const (
	maxIDBytes  = 64 // of a domain or member ID in a cookie
	secretBytes = 32 // of randomness: 256 bits (security.md 3.1)
	secretChars = 43 // the same in base64url without padding
)

// ticket is a cookie value taken apart: "<domain ID>.<member ID>.<43 characters>". The IDs are there so that one round trip
// can ask for the session and its generation counters; nothing is believed of them but where to look.
type ticket struct{ domainID, memberID, value string }

// newTicket draws a fresh secret.
func newTicket(domainID, memberID string) ticket {
	return ticket{domainID: domainID, memberID: memberID, value: domainID + "." + memberID + "." + newSecret()}
}

// parseTicket takes a cookie value apart; false means that it cannot be one of ours.
func parseTicket(cookie string) (ticket, bool) {
	if len(cookie) > 2*maxIDBytes+secretChars+2 {
		return ticket{}, false
	}
	domainID, rest, _ := strings.Cut(cookie, ".")
	memberID, secret, _ := strings.Cut(rest, ".")
	ok := plainID(domainID) && plainID(memberID) && plainSecret(secret)
	return ticket{domainID: domainID, memberID: memberID, value: cookie}, ok
}

// id is what the session is stored and listed under: it cannot be turned back into the cookie.
func (t ticket) id() string { return hashOf(t.value) }

// strictSecret refuses the spellings that end in bits which say nothing.
var strictSecret = base64.RawURLEncoding.Strict()

func newSecret() string {
	var b [secretBytes]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// plainSecret says whether s is the canonical text of 32 bytes: each secret has one spelling, so one key.
func plainSecret(s string) bool {
	if len(s) != secretChars {
		return false
	}
	var b [secretBytes]byte
	n, err := strictSecret.Decode(b[:], []byte(s))
	return err == nil && n == secretBytes // a line feed, which the decoder skips, makes it shorter
}

// plainID keeps out what has a meaning in a key or cookie: dots, colons and the braces of hash tags.
func plainID(s string) bool {
	if s == "" || len(s) > maxIDBytes {
		return false
	}
	for i := range len(s) {
		if !plain[s[i]] {
			return false
		}
	}
	return true
}

// plain are the characters of an ID; a table, for a check asks it seventy times.
var plain = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") {
		t[c] = true
	}
	return t
}()

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func (m *Manager) cookieName() string {
	switch {
	case m.o.InsecureCookies:
		return "ssogate_session"
	case m.o.CookieDomain != "":
		return "__Secure-ssogate_session"
	default:
		return "__Host-ssogate_session"
	}
}

// ticket takes the first value that can be ours: somebody else's cookie of the same name, set on a sub-domain or path, must
// not hide it.
func (m *Manager) ticket(r *http.Request) (ticket, bool) {
	for _, c := range r.CookiesNamed(m.cookieName()) {
		if t, ok := parseTicket(c.Value); ok {
			return t, true
		}
	}
	return ticket{}, false
}

func (m *Manager) cookie(r *http.Request) string {
	if t, ok := m.ticket(r); ok {
		return t.value
	}
	return ""
}

func (m *Manager) setCookie(w http.ResponseWriter, value string, life time.Duration) {
	c := m.blankCookie()
	c.Value = value
	if life > 0 {
		c.MaxAge = max(1, int(life/time.Second))
		c.Expires = m.o.Now().Add(life)
	}
	http.SetCookie(w, c)
}

func (m *Manager) clearCookie(w http.ResponseWriter) {
	c := m.blankCookie()
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func (m *Manager) blankCookie() *http.Cookie {
	return &http.Cookie{Name: m.cookieName(), Path: "/", Domain: m.o.CookieDomain, HttpOnly: true,
		Secure: !m.o.InsecureCookies, SameSite: http.SameSiteLaxMode}
}
