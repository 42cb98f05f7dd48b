package session

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
)

// Store is a gorilla sessions.Store over a Manager, for code that speaks that interface:
//
//	s, err := store.New(r, store.Name())  // err wraps ErrUnavailable: answer 503
//	session.Put(s, rec)
//	err = s.Save(r, w)                    // new ID, cookie set, the browser's old session ended
//
// A session holds one Record and nothing else. IDs come only from us: a cookie value that is unknown, garbage or over gives
// a new, empty session without an error, and saving never stores under a value that a browser brought. It keeps nothing
// between calls and is safe for concurrent use.
type Store struct{ m *Manager }

var _ sessions.Store = (*Store)(nil)

// keys of sessions.Session.Values.
type (
	recordKey struct{} // Record
	cookieKey struct{} // string, the cookie value it was read from or saved as
	freshKey  struct{} // bool, there is a Record to be saved
)

// NewStore makes a Store.
func NewStore(m *Manager) *Store { return &Store{m: m} }

// Name is the name to open sessions under: that of the cookie.
func (s *Store) Name() string { return s.m.CookieName() }

// Get returns the session of the request, read once per request.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session of the request. The name does not matter: a Manager has one cookie. The session is never nil; the
// error is only ever one that wraps ErrUnavailable.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	fresh := sessions.NewSession(s, name)
	fresh.IsNew = true
	o := s.m.blankCookie()
	fresh.Options = &sessions.Options{Path: o.Path, Domain: o.Domain, Secure: o.Secure, HttpOnly: o.HttpOnly, SameSite: o.SameSite}
	cookie := s.m.Cookie(r)
	if cookie == "" {
		return fresh, nil
	}
	rec, err := s.m.Check(r.Context(), cookie)
	if errors.Is(err, ErrMissing) {
		return fresh, nil
	}
	if err != nil {
		return fresh, err
	}
	t, _ := parseTicket(cookie)
	fresh.IsNew, fresh.ID = false, t.id()
	fresh.Values[recordKey{}], fresh.Values[cookieKey{}] = rec, cookie
	return fresh, nil
}

// Save ends the session when its MaxAge is below zero; starts one under a new ID, and ends the one before, when a Record was
// Put; and does nothing else. Of the options only MaxAge counts: seconds the browser keeps the cookie, 0 until it is closed.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	old, _ := session.Values[cookieKey{}].(string)
	life := 0
	if session.Options != nil {
		life = session.Options.MaxAge
	}
	rec, fresh := session.Values[recordKey{}].(Record)
	fresh = fresh && session.Values[freshKey{}] == true
	if life >= 0 && !fresh {
		return nil
	}
	if err := s.m.End(r.Context(), old); err != nil {
		return err
	}
	clear(session.Values)
	session.ID, session.IsNew = "", true
	if life < 0 {
		s.m.ClearCookie(w)
		return nil
	}
	cookie, err := s.m.Start(r.Context(), rec)
	if err != nil {
		return err
	}
	t, _ := parseTicket(cookie)
	session.ID, session.IsNew = t.id(), false
	session.Values[recordKey{}], session.Values[cookieKey{}] = rec, cookie
	s.m.SetCookie(w, cookie, time.Duration(life)*time.Second)
	return nil
}

// Put makes rec what the session will say once it is saved.
func Put(s *sessions.Session, rec Record) {
	s.Values[recordKey{}], s.Values[freshKey{}] = rec, true
}

// Of returns what the session says; false when nobody is signed in.
func Of(s *sessions.Session) (Record, bool) {
	rec, ok := s.Values[recordKey{}].(Record)
	return rec, ok
}
