package sso_test

import (
	"context"
	"sync"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
)

// switchable is a session state that can be gone.
type switchable struct {
	session.State
	mu     sync.Mutex
	gone   bool
	longer time.Duration // what is Set lives so much longer than it should
}

func (s *switchable) set(gone bool) { s.mu.Lock(); s.gone = gone; s.mu.Unlock() }

func (s *switchable) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return session.ErrUnavailable
	}
	return nil
}

func (s *switchable) Take(ctx context.Context, key string) ([]byte, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.State.Take(ctx, key)
}

func (s *switchable) Set(ctx context.Context, key string, value []byte, life time.Duration) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.State.Set(ctx, key, value, life+s.longer)
}

func (s *switchable) SetOnce(ctx context.Context, key string, value []byte, life time.Duration) (bool, error) {
	if err := s.err(); err != nil {
		return false, err
	}
	return s.State.SetOnce(ctx, key, value, life)
}

func (s *switchable) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.State.GetMany(ctx, keys...)
}

// silent is a directory of which single questions get no answer.
type silent struct {
	directory.Store
	mu       sync.Mutex
	question string // by its method, "" none
	err      error
}

// refuse makes the method fail with the error; "" ends that.
func (s *silent) refuse(method string, err error) {
	s.mu.Lock()
	s.question, s.err = method, err
	s.mu.Unlock()
}

func (s *silent) asked(method string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.question == method {
		return s.err
	}
	return nil
}

func (s *silent) DomainByName(ctx context.Context, name string) (directory.Domain, error) {
	if err := s.asked("DomainByName"); err != nil {
		return directory.Domain{}, err
	}
	return s.Store.DomainByName(ctx, name)
}

func (s *silent) LiveConnection(ctx context.Context, domainID string) (directory.Connection, error) {
	if err := s.asked("LiveConnection"); err != nil {
		return directory.Connection{}, err
	}
	return s.Store.LiveConnection(ctx, domainID)
}

func (s *silent) Keys(ctx context.Context, domainID, use string) ([]directory.Key, error) {
	if err := s.asked("Keys"); err != nil {
		return nil, err
	}
	return s.Store.Keys(ctx, domainID, use)
}

func (s *silent) MemberByExternalKey(ctx context.Context, domainID, key string) (directory.Member, error) {
	if err := s.asked("MemberByExternalKey"); err != nil {
		return directory.Member{}, err
	}
	return s.Store.MemberByExternalKey(ctx, domainID, key)
}

func (s *silent) Services(ctx context.Context) ([]directory.Service, error) {
	if err := s.asked("Services"); err != nil {
		return nil, err
	}
	return s.Store.Services(ctx)
}
