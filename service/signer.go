package service

import (
	"context"
	"crypto"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// Key signs; ID is its kid. Only ECDSA P-256 keys are used (ES256, RFC 7518 section 3.4).
type Key struct {
	ID     string
	Signer crypto.Signer
}

// Signer makes the signed identity header, for services that do not trust plain headers. Keys are read again every minute,
// so that a rollover reaches every node: the first signs, all are published. A next key must therefore have been published
// longer than that, and than verifiers keep what they read, before it becomes the first.
type Signer struct {
	Issuer   string // our public URL
	Audience string
	Life     time.Duration // of a token; never beyond the session
	Keys     func(ctx context.Context) ([]Key, error)
	Now      func() time.Time

	held atomic.Pointer[ring]
	once sync.Mutex // whoever holds it reads
	next time.Time  // when keys are read again; under once
	last error      // of the last reading; under once
}

// ring is what was read.
type ring struct {
	signer    jose.Signer
	published jose.JSONWebKeySet
	until     time.Time
}

// Claims of the token, besides iss, aud, sub (member ID), iat, nbf and exp.
type Claims struct {
	jwt.Claims
	Email       string `json:"email"`
	Name        string `json:"name,omitempty"`
	Domain      string `json:"domain"`
	ExternalKey string `json:"external_key,omitempty"`
	SessionEnd  int64  `json:"session_expires"`
}

const (
	rereadKeys = time.Minute
	// retryKeys is how long nobody asks again for keys that could not be read: with the database silent each try costs the one
	// who asks its time limit.
	retryKeys = 2 * time.Second
	readKeys  = time.Second // at most, for one reading
)

// Sign makes a token for a session.
func (s *Signer) Sign(ctx context.Context, rec session.Record) (string, error) {
	keys, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	now := s.Now()
	expires := now.Add(s.Life)
	if rec.Expires.Before(expires) {
		expires = rec.Expires
	}
	return jwt.Signed(keys.signer).Claims(Claims{
		Claims: jwt.Claims{
			Issuer: s.Issuer, Audience: jwt.Audience{s.Audience}, Subject: rec.MemberID,
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expires),
		},
		Email: rec.Account, Name: rec.Name, Domain: rec.Domain, ExternalKey: rec.ExternalKey, SessionEnd: rec.Expires.Unix(),
	}).Serialize()
}

// current returns the keys. While one caller reads them again, and when that fails, those of before go on; only where there are
// none does everybody wait for the reading.
func (s *Signer) current(ctx context.Context) (*ring, error) {
	held := s.held.Load()
	if held != nil && s.Now().Before(held.until) {
		return held, nil
	}
	if held == nil {
		s.once.Lock()
	} else if !s.once.TryLock() {
		return held, nil
	}
	defer s.once.Unlock()
	if now := s.Now(); !now.Before(s.next) {
		s.next, s.last = now.Add(retryKeys), s.read(ctx, now)
	}
	if held = s.held.Load(); held == nil {
		return nil, s.last
	}
	return held, nil
}

// read replaces what is held. The request that happens to read must not fail the others when its browser goes away.
func (s *Signer) read(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readKeys)
	defer cancel()
	keys, err := s.Keys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return errors.New("service: no identity key")
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keys[0].ID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: keys[0].Signer}, options)
	if err != nil {
		return err
	}
	fresh := &ring{signer: signer, until: now.Add(rereadKeys)}
	for _, k := range keys {
		fresh.published.Keys = append(fresh.published.Keys,
			jose.JSONWebKey{Key: k.Signer.Public(), KeyID: k.ID, Algorithm: string(jose.ES256), Use: "sig"})
	}
	s.held.Store(fresh)
	return nil
}

// jwks publishes the public keys (RFC 7517).
func (s *Signer) jwks(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.current(r.Context())
	if err != nil {
		return unavailable(err)
	}
	return web.JSON(w, http.StatusOK, keys.published)
}
