package session

import (
	"context"
	"fmt"
	"os"
	"time"
)

// OpenBeside opens an embedded state file beside the process that owns it, for the operator's commands: sessions can be
// listed and ended. Rates are not shared and nothing is swept. A missing file is an error.
func OpenBeside(path string, now func() time.Time) (State, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("session: embedded state: %w", err)
	}
	if now == nil {
		now = time.Now
	}
	e := &embedded{now: now, rates: map[string]time.Time{}}
	if err := e.open(path); err != nil {
		e.close()
		return nil, err
	}
	_, e.stop = context.WithCancel(context.Background())
	return e, nil
}
