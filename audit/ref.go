package audit

import (
	"crypto/rand"
	"encoding/binary"
)

// crockford is Crockford's base32: no I, L, O and U, so that a number read aloud over the telephone comes back the same.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewRef returns a reference number such as "7K3M-92QX-4TBD": 60 random bits, unique for every purpose of this product, and
// not a secret.
func NewRef() string {
	var raw [8]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	bits := binary.BigEndian.Uint64(raw[:])
	ref := make([]byte, 0, 14)
	for i := range 12 {
		if i == 4 || i == 8 {
			ref = append(ref, '-')
		}
		ref = append(ref, crockford[bits&31])
		bits >>= 5
	}
	return string(ref)
}
