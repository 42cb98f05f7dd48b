package testidp

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// handleToken is POST /token (RFC 6749 section 4.1.3).
func (p *Provider) handleToken(w http.ResponseWriter, r *http.Request) {
	client, ok := p.authenticate(r)
	if !ok || client.Profile == ProfileWorks {
		w.Header().Set("WWW-Authenticate", `Basic realm="testidp"`)
		answerJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
		return
	}
	g, wrong := p.redeem(client, r.PostForm.Get("code"))
	if wrong == "" {
		wrong = p.wrongRedemption(g, r.PostForm.Get("redirect_uri"), r.PostForm.Get("code_verifier"))
	}
	if wrong != "" {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": wrong})
		return
	}
	answer, err := p.tokens200(client, g)
	if err != nil {
		p.o.Log.Error("testidp: token", "error", err)
		answerJSON(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	answerJSON(w, http.StatusOK, answer)
}

// redeem takes a code, once. A second use also revokes the token of the first (RFC 6749 section 4.1.2).
func (p *Provider) redeem(client OAuthClient, code string) (*grant, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.codes.things[code]
	switch {
	case !ok || g.client != client.ID:
		return nil, "unknown code"
	case g.used:
		if token := p.tokens.things[g.token]; token != nil {
			token.revoked = true
		}
		return nil, "code was used"
	}
	g.used = true
	if p.now().After(g.expires) {
		return nil, "code is too old"
	}
	g.token = random()
	return g, ""
}

// wrongRedemption compares what bound the code to this login (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
func (p *Provider) wrongRedemption(g *grant, redirectURI, verifier string) string {
	_, style, _ := p.settings()
	if redirectURI != g.redirectURI {
		return "redirect_uri is another one"
	}
	if style.IgnorePKCE {
		return ""
	}
	if g.challenge == "" && verifier != "" {
		return "code_verifier without code_challenge" // RFC 9700 section 4.8.2
	}
	sum := sha256.Sum256([]byte(verifier))
	if g.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		return "code_verifier does not fit"
	}
	return ""
}

// tokens200 issues the access token and, for an OpenID client, the ID token.
func (p *Provider) tokens200(client OAuthClient, g *grant) (map[string]any, error) {
	answer := p.accessToken(g)
	_, _, knobs := p.settings()
	if client.Profile != ProfileOIDC || knobs.NoIDToken {
		return answer, nil
	}
	token, err := p.idToken(client, g)
	if err != nil {
		return nil, err
	}
	answer["id_token"] = token
	return answer, nil
}

func (p *Provider) accessToken(g *grant) map[string]any {
	_, style, _ := p.settings()
	life := cmp.Or(style.TokenLife, time.Hour)
	issued := *g
	issued.expires = p.now().Add(life)
	p.mu.Lock()
	p.tokens.put(g.token, &issued)
	p.mu.Unlock()
	answer := map[string]any{"access_token": g.token, "token_type": "Bearer", "expires_in": int(life.Seconds())}
	if g.scope != "" {
		answer["scope"] = g.scope
	}
	if style.ExpiresInText {
		answer["expires_in"] = fmt.Sprint(int(life.Seconds()))
	}
	if style.NoExpiresIn {
		delete(answer, "expires_in")
	}
	return answer
}

// holder returns the grant behind an access token that is in force.
func (p *Provider) holder(token string) (*grant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.tokens.things[token]
	return g, ok && !g.revoked && p.now().Before(g.expires)
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "testidp: answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body)
}
