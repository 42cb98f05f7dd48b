package directory

import (
	"errors"
	"strings"
)

// ErrUnavailable is wrapped by every error of a Store that could not be reached, was too slow, or is full: trying again
// later may help, and no login may be accepted meanwhile.
var ErrUnavailable = errors.New("directory: store unavailable")

// ErrSessionsPending is wrapped when a change is stored but the push to the session room failed: the nodes end the sessions
// as soon as they have read Store.Revocations.
var ErrSessionsPending = errors.New("directory: stored, but sessions are not ended yet")

// Codes of a Fault, stable for translation.
const (
	FaultRequired   = "required"
	FaultTooLong    = "too_long"
	FaultTooShort   = "too_short"
	FaultPattern    = "pattern"
	FaultUnknown    = "unknown_value"
	FaultURL        = "url"
	FaultPEM        = "pem"
	FaultWeakKey    = "weak_key"
	FaultForeign    = "foreign_domain"
	FaultRange      = "range"
	FaultTransition = "transition"
	FaultProtected  = "protected"
	FaultDuplicate  = "duplicate"
	FaultMismatch   = "mismatch"
)

// add appends one fault.
func (f *Faults) add(field, code, message string) {
	*f = append(*f, Fault{Field: field, Code: code, Message: message})
}

// err is nil when there is nothing wrong.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// under puts a path in front of every field, for example "domains[0].members[3]".
func (f Faults) under(path string) Faults {
	out := make(Faults, len(f))
	for i, x := range f {
		x.Field = path + "." + x.Field
		out[i] = x
	}
	return out
}

func faultsText(f Faults) string {
	parts := make([]string, len(f))
	for i, x := range f {
		parts[i] = x.Field + ": " + x.Message
	}
	return "directory: " + strings.Join(parts, "; ")
}

// has reports a fault of the field or of one of its entries.
func (f Faults) has(field string) bool {
	for _, x := range f {
		if x.Field == field || strings.HasPrefix(x.Field, field+"[") {
			return true
		}
	}
	return false
}
