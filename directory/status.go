package directory

import (
	"context"
	"time"
)

// Grace is how long a deleted member can be brought back (line-works.md section 5).
const Grace = 7 * 24 * time.Hour

// transitions are the ways from one status to another that an administrator may take (line-works.md section 5): only an
// in-use member can be suspended, and nobody goes back to pending or waiting.
func transitions(from Status) []Status {
	switch from {
	case StatusWaiting:
		return []Status{StatusPending, StatusInUse, StatusDeleted}
	case StatusPending:
		return []Status{StatusInUse, StatusDeleted}
	case StatusInUse:
		return []Status{StatusSuspended, StatusDeleted}
	case StatusSuspended:
		return []Status{StatusInUse, StatusDeleted}
	case StatusDeleted: // within Grace
		return []Status{StatusInUse}
	}
	return nil
}

// SetStatus moves a member to another status and returns the member; the status it has already changes nothing. Leaving
// in use ends the member's sessions. Errors are Faults (code transition or protected), or wrap ErrNotFound or ErrConflict.
func (d *Directory) SetStatus(ctx context.Context, actor, domainID, memberID string, s Status) (Member, error) {
	var (
		m   Member
		chg *changes
	)
	err := d.change(ctx, func(ctx context.Context, c *changes) error {
		chg = c
		old, err := d.Member(ctx, domainID, memberID)
		if err != nil {
			return err
		}
		m = old
		if s == old.Status {
			return nil
		}
		if err := checkTransition(old, s, d.now()).err(); err != nil {
			return err
		}
		m.Status = s
		m, err = d.replace(ctx, c, actor, "member."+statusVerb(old.Status, s), old, m)
		return err
	})
	return settled(m, chg, err)
}

func checkTransition(m Member, to Status, now time.Time) Faults {
	var f Faults
	if !isOneOf(to, StatusWaiting, StatusPending, StatusInUse, StatusSuspended, StatusDeleted) {
		f.add("status", FaultUnknown, "want waiting_for_approval, pending, in_use, suspended or deleted")
		return f
	}
	if m.SuperAdmin && isOneOf(to, StatusSuspended, StatusDeleted) {
		f.add("status", FaultProtected, "the Super Admin cannot be suspended or deleted")
		return f
	}
	if !isOneOf(to, transitions(m.Status)...) {
		f.add("status", FaultTransition, "a member who is "+string(m.Status)+" cannot become "+string(to))
		return f
	}
	if m.Status == StatusDeleted && !now.Before(m.Deleted.Add(Grace)) {
		f.add("status", FaultTransition, "deleted more than 7 days ago")
	}
	return f
}

func statusVerb(from, to Status) string {
	switch to {
	case StatusSuspended:
		return "suspended"
	case StatusDeleted:
		return "deleted"
	case StatusInUse:
		if from == StatusDeleted {
			return "undeleted"
		}
		if from == StatusSuspended {
			return "unsuspended"
		}
		return "activated"
	}
	return "approved"
}
