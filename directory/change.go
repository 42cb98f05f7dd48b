package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/ssogate/ssogate/audit"
)

// changes gathers what one transaction must do before it ends: the sessions that lose their ground.
type changes struct {
	ends []ending
	asks map[ending]bool
	made []Revocation
}

type ending struct{ domainID, memberID string }

type changesKey struct{}

// change runs f in one transaction. This is the one place through which every administrative change goes:
//
//   - the audit event is written in the same transaction, so an act that cannot be recorded does not happen;
//   - sessions are revoked in the same transaction, last, because the store hands out revocations one after the other;
//   - after the commit the revocations are pushed to the session room.
//
// Inside another change f joins it.
func (d *Directory) change(ctx context.Context, f func(ctx context.Context, c *changes) error) error {
	if outer, ok := ctx.Value(changesKey{}).(*changes); ok {
		return f(ctx, outer)
	}
	c := &changes{asks: map[ending]bool{}}
	err := d.Store.Transact(ctx, func(ctx context.Context) error {
		if err := f(context.WithValue(ctx, changesKey{}, c), c); err != nil {
			return err
		}
		return d.revoke(ctx, c)
	})
	if err != nil {
		return err
	}
	return d.push(ctx, c)
}

// end asks for the end of the sessions of a domain (memberID empty) or member.
func (c *changes) end(domainID, memberID string) {
	e := ending{domainID, memberID}
	if c.asks[e] || c.asks[ending{domainID: domainID}] {
		return
	}
	c.asks[e] = true
	c.ends = append(c.ends, e)
}

// generation is the one a member has after the change, or the given one.
func (c *changes) generation(m Member) int64 {
	for _, r := range c.made {
		if r.MemberID == m.ID && r.DomainID == m.DomainID {
			return r.Generation
		}
	}
	return m.Generation
}

func (d *Directory) revoke(ctx context.Context, c *changes) error {
	for _, e := range c.ends {
		r, err := d.Store.Revoke(ctx, e.domainID, e.memberID, d.now())
		if err != nil {
			return fmt.Errorf("directory: end sessions: %w", err)
		}
		c.made = append(c.made, r)
	}
	c.ends = nil
	return nil
}

func (d *Directory) push(ctx context.Context, c *changes) error {
	if d.EndSessions == nil {
		return nil
	}
	var errs []error
	for _, r := range c.made {
		if err := d.EndSessions(ctx, r); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", ErrSessionsPending, errors.Join(errs...))
	}
	return nil
}

// record writes one audit event; detail is pairs of name and value, secrets never.
func (d *Directory) record(ctx context.Context, actor, action, domainID, target string, detail ...string) error {
	if d.Audit == nil {
		return errors.New("directory: no audit log")
	}
	e := audit.Event{Time: d.now(), DomainID: domainID, Actor: actor, Action: action, Target: target}
	if len(detail) > 0 {
		e.Detail = make(map[string]string, len(detail)/2)
	}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Detail[detail[i]] = detail[i+1]
	}
	if err := d.Audit.Append(ctx, e); err != nil {
		return fmt.Errorf("directory: audit: %w", err)
	}
	return nil
}

// now is in microseconds, as the store keeps times.
func (d *Directory) now() time.Time {
	now := d.Now
	if now == nil {
		now = time.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

// NewID returns a new identifier, for example NewID("dom") "dom_0198…": a UUID version 7 behind the kind of thing it names,
// ordered by time so that indexes stay compact. It is unique, and not a secret.
func NewID(kind string) string {
	return kind + "_" + uuid.Must(uuid.NewV7()).String() // it fails only where crypto/rand ends the program before
}
