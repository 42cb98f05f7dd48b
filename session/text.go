package session

import "context"

// text is a stored value as a check wants it: what a record says are parts of it, and nothing is copied.
type text struct {
	value string
	there bool
}

// counter is the counter that t is; see parseCounter.
func (t text) counter() (int64, error) {
	if !t.there {
		return 0, nil
	}
	return parseCounter(t.value)
}

// texts is GetMany without copies where the driver can.
func (m *Manager) texts(ctx context.Context, keys []string) ([]text, error) {
	if direct, ok := m.o.State.(interface {
		texts(context.Context, []string) ([]text, error)
	}); ok {
		return direct.texts(ctx, keys)
	}
	values, err := m.o.State.GetMany(ctx, keys...)
	if err != nil {
		return nil, err
	}
	all := make([]text, len(values))
	for i, v := range values {
		all[i] = text{string(v), v != nil}
	}
	return all, nil
}
