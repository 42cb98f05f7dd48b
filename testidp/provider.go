package testidp

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options of a Provider.
type Options struct {
	// BaseURL is where browsers and services reach the provider, without a trailing slash. Start may leave it empty.
	BaseURL string
	// Keys may be shared by several providers of one test binary, to save their making; nil makes new ones.
	Keys *Keys
	// AutoLogin is the login of the person who is signed in without a page. The same routes are walked. Empty shows the page;
	// ?auto=<login> on the login address does the same for one request.
	AutoLogin string
	Now       func() time.Time // nil is time.Now
	Log       *slog.Logger     // nil is silent
}

// Person is somebody who can sign in here.
type Person struct {
	Login      string // names the button and ?auto=
	Subject    string // NameID, sub and user_id; empty is Login
	Email      string
	FamilyName string
	GivenName  string
	Groups     []string
	Attributes map[string][]string // further SAML attributes and, one value as text and several as a list, claims
	Claims     map[string]any      // further claims of any JSON shape; they win over all others
}

// Provider is the running identity provider. Safe for concurrent use.
type Provider struct {
	o      Options
	keys   *Keys
	mux    *http.ServeMux
	pages  *template.Template
	done   chan struct{} // closed by Close: releases whatever hangs
	once   sync.Once
	server *http.Server // of Start

	mu       sync.Mutex
	people   []Person
	services []SAMLClient
	clients  map[string]OAuthClient
	saml     SAMLStyle
	oauth    OAuthStyle
	knobs    Knobs
	flows    shelf[flow]   // sign-ins that wait for a choice on the page
	signedIn shelf[string] // cookie value → login
	codes    shelf[*grant]
	tokens   shelf[*grant]
	replay   map[string][]byte // ACS → the last response sent there
	log      records
}

// New builds a provider. It panics only when the system has no randomness.
func New(o Options) *Provider {
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Keys == nil {
		o.Keys = NewKeys()
	}
	p := &Provider{o: o, keys: o.Keys, done: make(chan struct{}), pages: pages(), clients: map[string]OAuthClient{}, replay: map[string][]byte{}}
	p.mux = p.routes()
	return p
}

// Start is New on a listener of its own: a free port of 127.0.0.1 reached as http://localhost:<port> when BaseURL is empty, so
// that a gateway at 127.0.0.1 is another site to the browser, as in production. Close ends it.
func Start(o Options) (*Provider, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("testidp: listen: %w", err)
	}
	if o.BaseURL == "" {
		o.BaseURL = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	}
	p := New(o)
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return context.Background() }}
	go func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.o.Log.Error("testidp: serve", "error", err)
		}
	}()
	return p, nil
}

// Close releases every answer that hangs or drips and ends the listener of Start. It may be called twice.
func (p *Provider) Close() {
	p.once.Do(func() {
		close(p.done)
		if p.server != nil {
			p.server.Close()
		}
	})
}

// URL is BaseURL with a path.
func (p *Provider) URL(path string) string { return p.o.BaseURL + path }

// AddPerson adds somebody, or replaces the person with that login.
func (p *Provider) AddPerson(person Person) {
	person.Subject = cmp.Or(person.Subject, person.Login)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.people {
		if p.people[i].Login == person.Login {
			p.people[i] = person
			return
		}
	}
	p.people = append(p.people, person)
}

// SetSAML chooses how SAML responses look from now on.
func (p *Provider) SetSAML(s SAMLStyle) { p.mu.Lock(); p.saml = s; p.mu.Unlock() }

// SetOAuth chooses how tokens and answers look from now on.
func (p *Provider) SetOAuth(s OAuthStyle) { p.mu.Lock(); p.oauth = s; p.mu.Unlock() }

// Misbehave sets the knobs from now on; Misbehave(Knobs{}) makes the provider good again.
func (p *Provider) Misbehave(k Knobs) { p.mu.Lock(); p.knobs = k; p.mu.Unlock() }

func (p *Provider) person(login string) (Person, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, person := range p.people {
		if person.Login == login && login != "" {
			return person, true
		}
	}
	return Person{}, false
}

// settings is one consistent look at what may change while a request is answered.
func (p *Provider) settings() (SAMLStyle, OAuthStyle, Knobs) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saml, p.oauth, p.knobs
}

func (p *Provider) now() time.Time { return p.o.Now() }

// random is an XML ID, code, token or cookie value of 128 bits or more.
func random() string { return "_" + strings.ToLower(rand.Text()) }

// shelf keeps the newest things under random names; the oldest fall off, so a long demo does not grow. The provider's mutex
// guards it.
type shelf[T any] struct {
	things map[string]T
	order  []string
}

const shelfSize = 10_000

func (s *shelf[T]) put(name string, thing T) {
	if s.things == nil {
		s.things = map[string]T{}
	}
	if len(s.order) >= shelfSize {
		delete(s.things, s.order[0])
		s.order = s.order[1:]
	}
	s.things[name] = thing
	s.order = append(s.order, name)
}
