package session

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// recordVersion begins every stored record. A record of another version is no session: its owner signs in again.
const recordVersion = 1

var errEncoding = errors.New("session: stored record cannot be read")

// encode writes a record as its version, its numbers and its texts in a fixed order: numbers as varints, a time as seconds and
// nanoseconds since 1970, a text behind its length. Reading it is the dear part of a check in any general encoding.
func (r *Record) encode() []byte {
	b := make([]byte, 0, 512)
	b = append(b, recordVersion)
	for _, n := range []int64{int64(r.Revision), r.Idle, r.DomainGeneration, r.MemberGeneration} {
		b = binary.AppendVarint(b, n)
	}
	for _, t := range []time.Time{r.Created, r.LastSeen, r.Expires} {
		b = binary.AppendVarint(b, t.Unix())
		b = binary.AppendUvarint(b, uint64(t.Nanosecond()))
	}
	for _, s := range r.texts() {
		b = binary.AppendUvarint(b, uint64(len(*s)))
		b = append(b, *s...)
	}
	return b
}

// texts are the strings of a record in the order of the encoding.
func (r *Record) texts() [13]*string {
	return [...]*string{&r.MemberID, &r.DomainID, &r.Domain, &r.Account, &r.ExternalKey, &r.Name, &r.Protocol,
		&r.IdPIssuer, &r.IdPNameID, &r.IdPSession, &r.Address, &r.UserAgent, &r.AttemptRef}
}

// decodeRecord reads what encode wrote, to its last byte, and nothing else. Its texts are parts of what was stored.
func decodeRecord(stored string) (Record, error) {
	if stored == "" || stored[0] != recordVersion {
		return Record{}, errEncoding
	}
	var r Record
	d := decoder{rest: stored[1:]}
	revision := d.number()
	r.Revision, r.Idle, r.DomainGeneration, r.MemberGeneration = int(revision), d.number(), d.number(), d.number()
	r.Created, r.LastSeen, r.Expires = d.time(), d.time(), d.time()
	for _, s := range r.texts() {
		*s = d.text()
	}
	if d.bad || d.rest != "" || int64(r.Revision) != revision {
		return Record{}, errEncoding
	}
	return r, nil
}

// decoder takes values off the front; after the first that is not there, all are zero.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) unsigned() uint64 {
	var n uint64
	for i := range min(len(d.rest), binary.MaxVarintLen64) {
		c := d.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break // more than 64 bits
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return n
		}
	}
	d.bad, d.rest = true, ""
	return 0
}

func (d *decoder) number() int64 {
	n := d.unsigned()
	return int64(n>>1) ^ -int64(n&1) // zigzag, as in encoding/binary
}

func (d *decoder) time() time.Time {
	seconds, nanos := d.number(), d.unsigned()
	if nanos >= uint64(time.Second) || seconds > math.MaxInt64/2 || seconds < math.MinInt64/2 {
		d.bad, d.rest = true, ""
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}

func (d *decoder) text() string {
	n := d.unsigned()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, ""
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}
