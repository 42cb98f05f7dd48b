package sso

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
)

// Uses of a directory.Key.
const (
	UseSAML     = "saml"     // a domain's service provider key: signs requests, decrypts assertions
	UseIdentity = "identity" // of the installation: signs the identity header for services
)

// Keys makes and rolls over the key pairs of the gateway; they are kept sealed in the directory.
type Keys struct {
	Directory *directory.Directory
	Now       func() time.Time
}

const actorGateway = "gateway"

// Ring is a domain's service provider keys in their rollover. The current one signs. Published are the current and the next
// one: whoever encrypts to what the metadata names goes on being understood when the next becomes current. Decrypting are all,
// the previous one too, for identity providers that have not read the metadata again.
type Ring struct{ Published, Decrypting []saml.KeyPair }

// SAML returns the domain's keys. The first call for a domain makes its first key; when two nodes try at once, both use the
// one that was stored first.
func (k *Keys) SAML(ctx context.Context, d directory.Domain) (Ring, error) {
	keys, err := k.ensure(ctx, d.ID, UseSAML, func(now time.Time) (directory.Key, error) { return newSAMLKey(d, now) })
	if err != nil {
		return Ring{}, err
	}
	var r Ring
	for _, key := range keys {
		pair, err := saml.ParseKeyPair(key.Private, key.Certificate)
		if err != nil {
			return Ring{}, fmt.Errorf("sso: stored key %s: %w", key.ID, err)
		}
		r.Decrypting = append(r.Decrypting, pair)
		if key.State != directory.KeyPrevious {
			r.Published = append(r.Published, pair)
		}
	}
	return r, nil
}

// Signing is a key for the signed identity header; ID is its kid.
type Signing struct {
	ID     string
	Signer crypto.Signer
}

// Identity returns the installation's ECDSA P-256 keys for the signed identity header, the current one first.
func (k *Keys) Identity(ctx context.Context) ([]Signing, error) {
	keys, err := k.ensure(ctx, "", UseIdentity, newIdentityKey)
	if err != nil {
		return nil, err
	}
	all := make([]Signing, 0, len(keys))
	for _, key := range keys {
		private, err := x509.ParsePKCS8PrivateKey(key.Private)
		if err != nil {
			return nil, fmt.Errorf("sso: stored key %s: %w", key.ID, err)
		}
		signer, ok := private.(crypto.Signer)
		if !ok {
			return nil, fmt.Errorf("sso: stored key %s cannot sign", key.ID)
		}
		all = append(all, Signing{ID: key.ID, Signer: signer})
	}
	return all, nil
}

// Prepare makes the next key of a domain's rollover: it is published in the metadata and decrypts, but does not sign yet.
func (k *Keys) Prepare(ctx context.Context, actor string, d directory.Domain) (directory.Key, error) {
	key, err := newSAMLKey(d, k.Now())
	if err != nil {
		return directory.Key{}, err
	}
	key.State = directory.KeyNext
	return key, k.Directory.AddKey(ctx, actor, key)
}

// PrepareIdentity makes the next key for the signed identity header: services find it in the key set before it signs.
func (k *Keys) PrepareIdentity(ctx context.Context, actor string) (directory.Key, error) {
	key, err := newIdentityKey(k.Now())
	if err != nil {
		return directory.Key{}, err
	}
	key.State = directory.KeyNext
	return key, k.Directory.AddKey(ctx, actor, key)
}

// ensure lists the keys in their order of use, after making the first one where there is none.
func (k *Keys) ensure(ctx context.Context, domainID, use string, generate func(time.Time) (directory.Key, error)) ([]directory.Key, error) {
	keys, err := k.Directory.Keys(ctx, domainID, use)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		key, err := generate(k.Now())
		if err != nil {
			return nil, err
		}
		if err := k.Directory.AddKey(ctx, actorGateway, key); err != nil && !errors.Is(err, directory.ErrConflict) {
			return nil, err
		}
		if keys, err = k.Directory.Keys(ctx, domainID, use); err != nil {
			return nil, err
		}
	}
	ordered := make([]directory.Key, 0, len(keys))
	for _, state := range []directory.KeyState{directory.KeyCurrent, directory.KeyNext, directory.KeyPrevious} {
		for _, key := range keys {
			if key.State == state {
				ordered = append(ordered, key)
			}
		}
	}
	if len(ordered) == 0 || ordered[0].State != directory.KeyCurrent {
		return nil, fmt.Errorf("sso: no current %s key", use)
	}
	return ordered, nil
}

func newSAMLKey(d directory.Domain, now time.Time) (directory.Key, error) {
	pair, err := saml.NewKeyPair(d.Name, now)
	if err != nil {
		return directory.Key{}, err
	}
	private, err := pair.MarshalPrivate()
	if err != nil {
		return directory.Key{}, err
	}
	return directory.Key{
		DomainID: d.ID, Use: UseSAML, State: directory.KeyCurrent,
		Private: private, Certificate: pair.Certificate.Raw, Created: now,
	}, nil
}

func newIdentityKey(now time.Time) (directory.Key, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return directory.Key{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return directory.Key{}, err
	}
	return directory.Key{Use: UseIdentity, State: directory.KeyCurrent, Private: private, Created: now}, nil
}
