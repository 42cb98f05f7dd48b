package testidp

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"
)

const sessionCookie = "testidp_session"

// choice is who signed in, or that nobody did.
type choice struct {
	person  Person
	at      time.Time
	refused string // "cancelled" or "passive"; empty: signed in
}

// status is the second-level SAML status of a refusal (SAML Core 3.2.2.2).
func (s choice) status() string {
	return map[string]string{"cancelled": "AuthnFailed", "passive": "NoPassive"}[s.refused]
}

// flow is a sign-in that waits for the person, whatever the protocol.
type flow struct {
	title   string // who asks
	hint    string // the account that the service already knows
	force   bool   // a session here is not enough (ForceAuthn, prompt=login)
	passive bool   // no page may be shown (IsPassive, prompt=none)
	answer  func(http.ResponseWriter, *http.Request, choice)
}

// signIn finds out who it is: told by the address or the options, remembered by the cookie, or asked on the page.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request, f flow) {
	if person, ok := p.person(cmp.Or(r.URL.Query().Get("auto"), p.o.AutoLogin)); ok {
		f.answer(w, r, choice{person: person, at: p.now()})
		return
	}
	if person, ok := p.remembered(r); ok && !f.force {
		f.answer(w, r, choice{person: person, at: p.now()})
		return
	}
	if f.passive {
		f.answer(w, r, choice{refused: "passive"})
		return
	}
	handle := random()
	p.mu.Lock()
	p.flows.put(handle, f)
	people := append([]Person(nil), p.people...)
	p.mu.Unlock()
	p.page(w, r, http.StatusOK, "signin", signInPage{Title: f.title, Hint: f.hint, Flow: handle, People: people})
}

// handleSignIn is POST /sign-in: a button was pressed.
func (p *Provider) handleSignIn(w http.ResponseWriter, r *http.Request) {
	handle := r.PostFormValue("flow")
	p.mu.Lock()
	f, ok := p.flows.things[handle]
	delete(p.flows.things, handle)
	p.mu.Unlock()
	if !ok {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: this sign-in page was used already; go back to the service"))
		return
	}
	if r.PostForm.Has("cancel") {
		f.answer(w, r, choice{refused: "cancelled"})
		return
	}
	person, ok := p.person(r.PostFormValue("person"))
	if !ok {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: unknown person"))
		return
	}
	if r.PostForm.Has("remember") {
		p.rememberPerson(w, person)
	}
	f.answer(w, r, choice{person: person, at: p.now()})
}

func (p *Provider) remembered(r *http.Request) (Person, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return Person{}, false
	}
	p.mu.Lock()
	login := p.signedIn.things[cookie.Value]
	p.mu.Unlock()
	return p.person(login)
}

func (p *Provider) rememberPerson(w http.ResponseWriter, person Person) {
	value := random()
	p.mu.Lock()
	p.signedIn.put(value, person.Login)
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(p.o.BaseURL, "https:")})
}

// handleLogout is GET /logout?redirect_uri=: the plain logout of the works contract. The provider must go to redirect_uri.
func (p *Provider) handleLogout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		p.mu.Lock()
		delete(p.signedIn.things, cookie.Value)
		p.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true})
	if to := r.URL.Query().Get("redirect_uri"); to != "" {
		http.Redirect(w, r, to, http.StatusFound)
		return
	}
	p.page(w, r, http.StatusOK, "message", messagePage{Title: "Signed out", Text: "You are signed out of the test identity provider."})
}
