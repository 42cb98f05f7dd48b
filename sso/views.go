package sso

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
)

// view is a domain as the login needs it: its settings, its live connection and the connector opened from it.
type view struct {
	domain     directory.Domain
	connection directory.Connection // zero when no revision is live
	connector  Connector            // nil when no revision is live
	keys       Ring                 // of our service provider, SAML only
	fault      error                // why the live connection cannot be opened; it fails alone, and not the whole domain
	read       time.Time            // when reading began
}

// views reads domains through the directory and remembers each for Options.Fresh, so that a Monday morning costs one read a
// second and domain, and a change is seen by every node within that time. At most maxViews are remembered.
type views struct {
	g    *Gateway
	once singleflight.Group
	mu   sync.Mutex
	byID map[string]view // by domain name

	hosts     []directory.Service
	hostsRead time.Time
}

const maxViews = 20000

func newViews(g *Gateway) *views { return &views{g: g, byID: map[string]view{}} }

// domain returns the view of an active domain. An unknown and a disabled domain are the same to the outside:
// directory.ErrNotFound. Other errors are those of the directory.
func (v *views) domain(ctx context.Context, name string) (view, error) {
	asked := v.g.o.Now()
	v.mu.Lock()
	known, ok := v.byID[name]
	v.mu.Unlock()
	for !ok || asked.Sub(known.read) >= v.g.o.Fresh {
		read, err, _ := v.once.Do(name, func() (any, error) {
			// The caller that came first must not take the others down with it when its browser goes away.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return v.read(ctx, name, known)
		})
		if err != nil {
			v.forget(name)
			return view{}, err
		}
		known, ok = read.(view), true
		v.remember(name, known)
		if asked.Sub(known.read) <= v.g.o.Fresh {
			break // else somebody else's reading had begun too long before this caller came, and was slow
		}
	}
	return known, nil
}

func (v *views) read(ctx context.Context, name string, known view) (view, error) {
	fresh := view{read: v.g.o.Now()}
	var err error
	if fresh.domain, err = v.g.o.Directory.Domain(ctx, name); err != nil {
		return view{}, err
	}
	if fresh.domain.Disabled {
		return view{}, directory.ErrNotFound
	}
	fresh.connection, err = v.g.o.Directory.Live(ctx, fresh.domain.ID)
	if errors.Is(err, directory.ErrNotFound) {
		return fresh, nil
	}
	if err != nil {
		return view{}, err
	}
	fresh.connector, fresh.keys, err = v.open(ctx, fresh, known)
	if gone(err) {
		return view{}, err
	}
	fresh.fault = err
	return fresh, nil
}

// open makes the connector of a connection. That of an unchanged OAuth connection is kept, with what it learned about the
// provider.
func (v *views) open(ctx context.Context, fresh, known view) (Connector, Ring, error) {
	d, c := fresh.domain, fresh.connection
	if c.Type == directory.OAuth {
		if known.connector != nil && known.domain.ID == d.ID && known.connection.Revision == c.Revision {
			return known.connector, Ring{}, nil
		}
		connector, err := v.g.openOAuth(d, c.OAuth)
		return connector, Ring{}, err
	}
	keys, err := v.g.keys.SAML(ctx, d)
	if err != nil {
		return nil, Ring{}, err
	}
	connector, err := v.g.openSAML(ctx, d, c, keys)
	return connector, keys, err
}

// unusable is the refusal of a connection that cannot be opened.
func unusable(fault error) *Refusal {
	r := &Refusal{Code: "connection_unusable", Want: "a usable connection", Got: faultText(fault), Fix: audit.FixDomainAdmin, Err: fault}
	if errors.Is(fault, errNotFetched) {
		r.Code, r.Want, r.Fix = "idp_metadata", "the metadata of the identity provider", audit.FixIdentityProvider
	}
	return r
}

func (v *views) remember(name string, fresh view) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, have := v.byID[name]; !have && len(v.byID) >= maxViews {
		for other := range v.byID { // any one: maps iterate in random order
			delete(v.byID, other)
			break
		}
	}
	v.byID[name] = fresh
}

func (v *views) forget(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.byID, name)
}

// services lists the services of the directory, as fresh as a domain's view.
func (v *views) services(ctx context.Context) ([]directory.Service, error) {
	now := v.g.o.Now()
	v.mu.Lock()
	known, read := v.hosts, v.hostsRead
	v.mu.Unlock()
	if !read.IsZero() && now.Sub(read) < v.g.o.Fresh {
		return known, nil
	}
	fresh, err, _ := v.once.Do(" services", func() (any, error) { // no name of a domain has a blank
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return v.g.o.Directory.Services(ctx)
	})
	if err != nil {
		return nil, err
	}
	hosts, _ := fresh.([]directory.Service)
	v.mu.Lock()
	v.hosts, v.hostsRead = hosts, now
	v.mu.Unlock()
	return hosts, nil
}
