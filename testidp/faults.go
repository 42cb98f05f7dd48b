package testidp

import (
	"bytes"
	"net/http"
	"time"
)

// faulty puts the chosen fault in the place of an answer.
func (p *Provider) faulty(of func(Knobs) Fault, good http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _, knobs := p.settings()
		switch of(knobs) {
		case "":
			good(w, r)
		case Hang:
			p.wait(r, nil)
		case Status:
			http.Error(w, "internal error, try again", http.StatusInternalServerError)
		case HTML:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte("<!doctype html><title>Sign in</title><p>Your session has expired.<script>alert(1)</script>"))
		case Empty:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusOK)
		case Garbage:
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"access_token":`))
		case Huge:
			good(w, r)
			p.flood(w, r)
		case SlowDrip:
			p.drip(w, r)
		case Redirect:
			http.Redirect(w, r, p.URL("/redirected"), http.StatusFound)
		case Cut:
			p.cut(w)
		}
	}
}

// wait sleeps until the tick, and says false when the client is gone or the provider closes. A nil tick never comes.
func (p *Provider) wait(r *http.Request, tick <-chan time.Time) bool {
	select {
	case <-tick:
		return true
	case <-r.Context().Done():
	case <-p.done:
	}
	return false
}

// flood goes on with 20 MiB of blanks, which JSON allows after its value.
func (p *Provider) flood(w http.ResponseWriter, r *http.Request) {
	block := bytes.Repeat([]byte(" "), 1<<16)
	for range 20 << 4 {
		if _, err := w.Write(block); err != nil || r.Context().Err() != nil {
			return
		}
	}
}

func (p *Provider) drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := w.Write([]byte(" ")); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		if !p.wait(r, ticker.C) {
			return
		}
	}
}

// cut promises more than it sends.
func (p *Provider) cut(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	w.Write([]byte(`{"access_token":"`))
}
