package directory

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
)

// Uses of a Key.
const (
	UseSAML     = "saml"
	UseIdentity = "identity"
)

// AddKey stores a key pair as current or next; there is one of each at most (else an error that wraps ErrConflict). An empty
// ID is filled in the store. Errors are Faults for a key that cannot be read.
func (d *Directory) AddKey(ctx context.Context, actor string, k Key) error {
	if err := checkKey(k).err(); err != nil {
		return err
	}
	if k.ID == "" {
		k.ID = NewID("key")
	}
	if k.Created.IsZero() {
		k.Created = d.now()
	}
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		keys, err := d.Store.Keys(ctx, k.DomainID, k.Use)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(keys, func(have Key) bool { return have.State == k.State || have.ID == k.ID }) {
			return fmt.Errorf("directory: a %s key for %s: %w", k.State, k.Use, ErrConflict)
		}
		if err := d.Store.PutKey(ctx, k); err != nil {
			return fmt.Errorf("directory: key: %w", err)
		}
		return d.record(ctx, actor, "key.added", k.DomainID, k.ID, "use", k.Use, "state", string(k.State))
	})
}

// PromoteKey makes the next key the current one and the current one previous, in one step. Without a next key it answers
// ErrNotFound.
func (d *Directory) PromoteKey(ctx context.Context, actor, domainID, use string) error {
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		keys, err := d.Store.Keys(ctx, domainID, use)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(keys, func(k Key) bool { return k.State == KeyNext })
		if i < 0 {
			return fmt.Errorf("directory: next key for %s: %w", use, ErrNotFound)
		}
		for _, k := range keys {
			if k.State != KeyCurrent {
				continue
			}
			k.State = KeyPrevious
			if err := d.Store.PutKey(ctx, k); err != nil {
				return err
			}
		}
		next := keys[i]
		next.State = KeyCurrent
		if err := d.Store.PutKey(ctx, next); err != nil {
			return err
		}
		return d.record(ctx, actor, "key.promoted", domainID, next.ID, "use", use)
	})
}

// RetireKey deletes the previous key: messages encrypted for it are not readable any more. Without one it answers ErrNotFound.
func (d *Directory) RetireKey(ctx context.Context, actor, domainID, use string) error {
	return d.change(ctx, func(ctx context.Context, _ *changes) error {
		keys, err := d.Store.Keys(ctx, domainID, use)
		if err != nil {
			return err
		}
		found := false
		for _, k := range keys {
			if k.State != KeyPrevious {
				continue
			}
			found = true
			if err := d.Store.DeleteKey(ctx, k.ID); err != nil {
				return err
			}
			if err := d.record(ctx, actor, "key.retired", domainID, k.ID, "use", use); err != nil {
				return err
			}
		}
		if !found {
			return fmt.Errorf("directory: previous key for %s: %w", use, ErrNotFound)
		}
		return nil
	})
}

// Keys lists keys of a domain (or of the installation, domainID empty) for a use, newest first. They hold private keys.
func (d *Directory) Keys(ctx context.Context, domainID, use string) ([]Key, error) {
	return d.Store.Keys(ctx, domainID, use)
}

func checkKey(k Key) Faults {
	var f Faults
	if !isOneOf(k.Use, UseSAML, UseIdentity) {
		f.add("use", FaultUnknown, "want saml or identity")
	}
	if !isOneOf(k.State, KeyCurrent, KeyNext) {
		f.add("state", FaultUnknown, "want current or next")
	}
	if _, err := x509.ParsePKCS8PrivateKey(k.Private); err != nil {
		f.add("private", FaultPEM, "want a private key in PKCS #8")
	}
	if len(k.Certificate) > 0 {
		if _, err := x509.ParseCertificate(k.Certificate); err != nil {
			f.add("certificate", FaultPEM, "the certificate cannot be read")
		}
	}
	return f
}
