package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"
)

// errCrowded is what a caller's own cancellation or a full pool is for the breaker: no news about the server.
var errCrowded = errors.New("session: no verdict")

// newBreaker answers at once while Redis is dead: after five failures in a row it refuses for half a second, then lets one
// operation through to try. Together with the client's own limits a server that is back is used again within 2 s.
func newBreaker() *gobreaker.TwoStepCircuitBreaker[any] {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: "redis", MaxRequests: 1, Timeout: 500 * time.Millisecond,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
		IsExcluded:  func(err error) bool { return errors.Is(err, errCrowded) },
	})
}

// do runs one operation under the time limit and the breaker.
func (r *redisState) do(ctx context.Context, op string, f func(ctx context.Context) error) error {
	return r.guard(ctx, op, func() error {
		bounded, cancel := context.WithTimeout(ctx, opLimit)
		defer cancel()
		return f(bounded)
	})
}

// guard runs one operation, which keeps the time limit by itself, under the breaker. What is not there becomes ErrMissing,
// everything else that fails wraps ErrUnavailable: a caller that cannot know must refuse.
func (r *redisState) guard(ctx context.Context, op string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return unavailable(op, err)
	}
	done, err := r.breaker.Allow()
	if err != nil {
		return unavailable(op, err)
	}
	err = f()
	done(verdict(ctx, err))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return ErrMissing
	default:
		return unavailable(op, err)
	}
}

// verdict is what an error says about the server: one that answers, even with an error, is alive.
func verdict(ctx context.Context, err error) error {
	var answer redis.Error
	switch {
	case err == nil, errors.As(err, &answer):
		return nil
	case ctx.Err() != nil, errors.Is(err, redis.ErrPoolTimeout):
		return errCrowded
	default:
		return err
	}
}

func unavailable(op string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, op, err)
}
