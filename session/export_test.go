package session

import "context"

// Sweep runs the janitor's work once.
func Sweep(ctx context.Context, s State) error { return s.(*embedded).sweep(ctx) }
