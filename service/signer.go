package service

import (
	"context"
	"crypto"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// Key signs; ID is its kid. Only ECDSA P-256 keys are used (ES256, RFC 7518 3.4).
type Key struct {
	ID     string
	Signer crypto.Signer
}

// Signer makes the signed identity header, for services that do not trust plain headers. Keys are read again every minute,
// so that a rollover reaches every node: the first signs, all are published.
type Signer struct {
	Issuer   string // our public URL
	Audience string
	Life     time.Duration // of a token; never beyond the session
	Keys     func(ctx context.Context) ([]Key, error)
	Now      func() time.Time

	mu   sync.Mutex
	keys []Key
	sign jose.Signer
	read time.Time
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

const rereadKeys = time.Minute

// Sign makes a token for a session.
func (s *Signer) Sign(ctx context.Context, rec session.Record) (string, error) {
	signer, _, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	now := s.Now()
	expires := now.Add(s.Life)
	if rec.Expires.Before(expires) {
		expires = rec.Expires
	}
	return jwt.Signed(signer).Claims(Claims{
		Claims: jwt.Claims{
			Issuer: s.Issuer, Audience: jwt.Audience{s.Audience}, Subject: rec.MemberID,
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expires),
		},
		Email: rec.Account, Name: rec.Name, Domain: rec.Domain, ExternalKey: rec.ExternalKey, SessionEnd: rec.Expires.Unix(),
	}).Serialize()
}

// current returns signer and keys; when they cannot be read again, those of before go on.
func (s *Signer) current(ctx context.Context) (jose.Signer, []Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if s.sign != nil && now.Sub(s.read) < rereadKeys {
		return s.sign, s.keys, nil
	}
	keys, err := s.Keys(ctx)
	if err == nil && len(keys) == 0 {
		err = fmt.Errorf("service: no identity key")
	}
	if err == nil {
		var sign jose.Signer
		options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keys[0].ID)
		if sign, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: keys[0].Signer}, options); err == nil {
			s.sign, s.keys, s.read = sign, keys, now
		}
	}
	if err != nil && s.sign == nil {
		return nil, nil, err
	}
	return s.sign, s.keys, nil
}

// jwks publishes the public keys (RFC 7517).
func (s *Signer) jwks(w http.ResponseWriter, r *http.Request) error {
	_, keys, err := s.current(r.Context())
	if err != nil {
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: 2 * time.Second, Err: err}
	}
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(keys))}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Signer.Public(), KeyID: k.ID, Algorithm: string(jose.ES256), Use: "sig"})
	}
	return web.JSON(w, http.StatusOK, set)
}
