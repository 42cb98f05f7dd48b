package session

import (
	"context"
	"time"
)

// Sweep runs the janitor's work once.
func Sweep(ctx context.Context, s State) error { return s.(*embedded).sweep(ctx) }

// KeepForLong leaves it to calls back alone to end what is kept.
func KeepForLong(s State) {
	k := s.(*redisState).kept
	k.mu.Lock()
	defer k.mu.Unlock()
	k.age = time.Hour
}
