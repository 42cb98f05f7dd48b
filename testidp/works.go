package testidp

import "net/http"

// worksErrors are the codes and messages of the seed's error table.
var worksErrors = [...]struct{ code, message string }{
	{"101", "access_denied"}, {"201", "invalid_request"}, {"301", "unauthorized_client"}, {"303", "invalid_access"},
}

// handleWorksToken is the Access Token Return API: POST of grant_type, client_id, client_secret and code; no redirect_uri.
func (p *Provider) handleWorksToken(w http.ResponseWriter, r *http.Request) {
	client, ok := p.worksClient(w, r)
	if !ok {
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" || r.PostForm.Get("code") == "" {
		worksError(w, "201")
		return
	}
	g, wrong := p.redeem(client, r.PostForm.Get("code"))
	if wrong != "" {
		worksError(w, "101")
		return
	}
	answerJSON(w, http.StatusOK, p.accessToken(g))
}

// handleWorksUserInfo is the Return User Information API: POST of client_id, client_secret and access_token; user_id comes back.
func (p *Provider) handleWorksUserInfo(w http.ResponseWriter, r *http.Request) {
	client, ok := p.worksClient(w, r)
	if !ok {
		return
	}
	token := r.PostForm.Get("access_token")
	if token == "" {
		worksError(w, "201")
		return
	}
	g, ok := p.holder(token)
	if !ok || g.client != client.ID {
		worksError(w, "303")
		return
	}
	_, _, knobs := p.settings()
	claims := map[string]any{"user_id": g.person.Subject}
	if knobs.OtherSub {
		claims["user_id"] = knobs.forged()
	}
	knobs.spoilUser(w, claims)
}

// worksClient authenticates by form alone. It has answered when it says false.
func (p *Provider) worksClient(w http.ResponseWriter, r *http.Request) (OAuthClient, bool) {
	_, _, knobs := p.settings()
	if knobs.WorksError != "" {
		worksError(w, knobs.WorksError)
		return OAuthClient{}, false
	}
	client, known := p.client(r.PostForm.Get("client_id"))
	switch {
	case !known || client.Secret == "" || client.Secret != r.PostForm.Get("client_secret"):
		worksError(w, "301")
	case client.Profile != ProfileWorks:
		worksError(w, "101")
	default:
		return client, true
	}
	return OAuthClient{}, false
}

// worksError answers an error of the table. The seed does not say which status comes with it; 400 is what RFC 6749 has.
func worksError(w http.ResponseWriter, code string) {
	message := ""
	for _, e := range worksErrors {
		if e.code == code {
			message = e.message
		}
	}
	answerJSON(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": message})
}
