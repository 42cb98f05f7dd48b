package testidp

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed pages.html
var pagesHTML string

type (
	signInPage struct {
		Title, Hint, Flow string
		People            []Person
	}
	postPage struct {
		Action string
		Fields []field
	}
	messagePage struct{ Title, Text string }
	homePage    struct {
		People    []Person
		Services  []SAMLClient
		Endpoints []field
	}
)

// pages parses the templates; they are part of the program, so a fault is found by the first test.
func pages() *template.Template { return template.Must(template.New("pages").Parse(pagesHTML)) }

// page writes a page. Pages are rendered before the first byte is sent.
func (p *Provider) page(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var out bytes.Buffer
	if err := p.pages.ExecuteTemplate(&out, name, data); err != nil {
		p.o.Log.Error("testidp: page", "name", name, "error", err)
		http.Error(w, "testidp: page", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

// fault tells the person what is wrong with a request, and the log.
func (p *Provider) fault(w http.ResponseWriter, r *http.Request, status int, err error) {
	p.o.Log.Warn("testidp: refused", "path", r.URL.Path, "status", status, "error", err)
	p.page(w, r, status, "message", messagePage{Title: "This does not work", Text: err.Error()})
}

// handleHome shows who is here and starts sign-ins that nobody asked for.
func (p *Provider) handleHome(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	data := homePage{People: append([]Person(nil), p.people...), Services: append([]SAMLClient(nil), p.services...)}
	p.mu.Unlock()
	for _, e := range []field{
		{"SAML metadata", "/saml/metadata"}, {"SAML single sign-on", "/saml/sso"}, {"OpenID discovery", discoveryPath},
		{"OAuth authorize", "/authorize"}, {"OAuth token", "/token"}, {"OAuth user info", "/userinfo"},
		{"works Web Login URL", "/works/login"}, {"works Application Login URL", "/works/app-login"},
		{"works Access Token Return API", "/works/token"}, {"works Return User Information API", "/works/userinfo"},
		{"Logout URL", "/logout"},
	} {
		data.Endpoints = append(data.Endpoints, field{e.Name, p.URL(e.Value)})
	}
	p.page(w, r, http.StatusOK, "home", data)
}

// label is what a button says.
func (p Person) label() string {
	if p.GivenName == "" && p.FamilyName == "" {
		return p.Login
	}
	return fmt.Sprintf("%s %s", p.GivenName, p.FamilyName)
}

// Label is for the templates.
func (p Person) Label() string { return p.label() }
