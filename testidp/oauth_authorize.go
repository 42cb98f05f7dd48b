package testidp

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const codeLife = 60 * time.Second

// handleAuthorize is /authorize and /works/login (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1). A client or redirect URI
// that is not known gets a page: nothing is sent there.
func (p *Provider) handleAuthorize(w http.ResponseWriter, r *http.Request) {
	query := r.Form
	client, ok := p.client(query.Get("client_id"))
	if !ok {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: unknown client_id"))
		return
	}
	back := query.Get("redirect_uri")
	if !client.mayReturnTo(back) {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: redirect_uri is not one of this client"))
		return
	}
	if (client.Profile == ProfileWorks) != strings.HasPrefix(r.URL.Path, "/works/") {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: this address is for clients of another profile"))
		return
	}
	a := authorization{client: client, back: back, state: query.Get("state"), mode: query.Get("response_mode"), g: &grant{
		client: client.ID, redirectURI: back, nonce: query.Get("nonce"), challenge: query.Get("code_challenge"), scope: query.Get("scope"),
	}}
	if wrong := p.wrongRequest(client, query); wrong != "" {
		p.sendBack(w, r, a, url.Values{"error": {"invalid_request"}, "error_description": {wrong}})
		return
	}
	p.signIn(w, r, flow{
		title: client.ID, hint: cmp.Or(query.Get("login_hint"), query.Get("worksId")),
		force: query.Get("prompt") == "login" || query.Get("max_age") == "0", passive: query.Get("prompt") == "none",
		answer: func(w http.ResponseWriter, r *http.Request, s choice) { p.answerOAuth(w, r, a, s) },
	})
}

// handleAppLogin is the Application Login URL of works: userAgent and sessionKey are required there.
func (p *Provider) handleAppLogin(w http.ResponseWriter, r *http.Request) {
	if r.Form.Get("userAgent") != "LineWorks" || r.Form.Get("sessionKey") == "" {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: an application login needs userAgent=LineWorks and a sessionKey"))
		return
	}
	p.handleAuthorize(w, r)
}

// wrongRequest says what is wrong with a request whose client is known; empty is fine.
func (p *Provider) wrongRequest(client OAuthClient, query url.Values) string {
	_, style, _ := p.settings()
	challenge, method := query.Get("code_challenge"), query.Get("code_challenge_method")
	switch {
	case query.Get("response_type") != "code":
		return "response_type must be code"
	case client.Profile == ProfileWorks:
		return ""
	case client.Profile == ProfileOIDC && !strings.Contains(" "+query.Get("scope")+" ", " openid "):
		return "scope must hold openid"
	case style.IgnorePKCE:
		return ""
	case style.RequirePKCE && challenge == "":
		return "code_challenge is required"
	case challenge != "" && method != "S256": // RFC 7636 section 4.2: S256 must be used by who can
		return "code_challenge_method must be S256"
	}
	return ""
}

// authorization is an accepted request.
type authorization struct {
	client            OAuthClient
	back, state, mode string
	g                 *grant
}

// answerOAuth makes a code, or says why there is none (RFC 6749 section 4.1.2).
func (p *Provider) answerOAuth(w http.ResponseWriter, r *http.Request, a authorization, s choice) {
	_, _, knobs := p.settings()
	answer := url.Values{}
	switch {
	case knobs.ErrorAnswer != "":
		answer = url.Values{"error": {"access_denied"}, "error_description": {knobs.ErrorAnswer}}
	case s.refused == "passive":
		answer.Set("error", "login_required")
	case s.refused != "":
		answer.Set("error", "access_denied")
	case knobs.NoCode:
	default:
		a.g.person, a.g.authn, a.g.expires = s.person, s.at, p.now().Add(codeLife)
		code := random()
		p.mu.Lock()
		p.codes.put(code, a.g)
		p.mu.Unlock()
		answer.Set("code", cmp.Or(knobs.Code, code))
		if knobs.ErrorAndCode {
			answer.Set("error", "server_error")
		}
	}
	p.sendBack(w, r, a, answer)
}

// sendBack adds state and iss, each as the knobs want, and redirects, or posts (OAuth 2.0 Form Post Response Mode).
func (p *Provider) sendBack(w http.ResponseWriter, r *http.Request, a authorization, answer url.Values) {
	_, style, knobs := p.settings()
	if a.state != "" && !knobs.NoState {
		answer.Set("state", a.state)
		if knobs.WrongState {
			answer.Set("state", random())
		}
		if knobs.TwoStates {
			answer["state"] = []string{random(), a.state}
		}
	}
	if a.client.Profile != ProfileWorks && !style.NoIssParameter && !knobs.NoIssParam {
		answer.Set("iss", p.Issuer()) // RFC 9207
		if knobs.WrongIssParam {
			answer.Set("iss", "https://elsewhere.example")
		}
	}
	if a.mode == "form_post" {
		var fields []field
		for name, values := range answer {
			for _, value := range values {
				fields = append(fields, field{name, value})
			}
		}
		p.page(w, r, http.StatusOK, "post", postPage{Action: a.back, Fields: fields})
		return
	}
	separator := "?"
	if strings.Contains(a.back, "?") {
		separator = "&" // works: the state stands in front
	}
	if len(answer) == 0 {
		separator = ""
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, a.back+separator+answer.Encode(), http.StatusFound)
}

// Issuer is the provider's OpenID name.
func (p *Provider) Issuer() string {
	_, style, _ := p.settings()
	if style.TrailingSlash {
		return p.o.BaseURL + "/"
	}
	return p.o.BaseURL
}
