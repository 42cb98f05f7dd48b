package outbound

import "strings"

// Error is a call that was not made or not finished. Its text names neither address nor answer, and says the same for a port
// that is closed, filtered, or forbidden after resolving: a customer must not be able to scan with it (security.md 2.3).
type Error struct {
	text    string
	busy    bool
	timeout bool
	also    error
}

// Errors that callers tell apart with errors.Is.
var (
	// ErrForbidden is an address that the rules exclude. Vet says which rule; a call says no more than ErrUnreachable does.
	ErrForbidden = &Error{text: "outbound: address not allowed"}
	// ErrBusy is a ninth call at once for one key.
	ErrBusy = &Error{text: "outbound: too many calls at once", busy: true}
	// ErrOpen is a call withheld because the last five to that host failed; one is let through every 10 s.
	ErrOpen = &Error{text: "outbound: paused after repeated failures", busy: true}
	// ErrTooLarge is a body over 1 MiB after inflating, or a header over 64 KiB.
	ErrTooLarge = &Error{text: "outbound: answer too large"}
	// ErrRedirect is a 3xx where none, or no further one, is followed.
	ErrRedirect = &Error{text: "outbound: answered with a redirect"}
	// ErrTimeout is an answer that began or ended too late, on a connection that was made.
	ErrTimeout = &Error{text: "outbound: no complete answer in time", timeout: true}
	// ErrCertificate is a TLS certificate that does not lead to a trusted root or names another host.
	ErrCertificate = &Error{text: "outbound: the server's certificate is not trusted"}
	// ErrUnreachable is everything else: no such name, refused, filtered, reset, not HTTP.
	ErrUnreachable = &Error{text: "outbound: address cannot be reached"}

	// errForbiddenDial is both, and reads like the second: the text may reach the person who typed the address.
	errForbiddenDial = &Error{text: ErrUnreachable.text, also: ErrForbidden}
)

// Error never holds an address, a body or a system error.
func (e *Error) Error() string { return e.text }

// Public is the text without the package's name; it may be shown to the person who typed the address.
func (e *Error) Public() string { return strings.TrimPrefix(e.text, "outbound: ") }

// Busy says that no call was made because of too many or too many failures; trying later can help.
func (e *Error) Busy() bool { return e.busy }

// Timeout is what net.Error and *url.Error ask.
func (e *Error) Timeout() bool { return e.timeout }

// Is makes a forbidden dial both ErrForbidden and ErrUnreachable.
func (e *Error) Is(target error) bool {
	return target == error(e) || (e.also != nil && (target == e.also || target == error(ErrUnreachable)))
}
