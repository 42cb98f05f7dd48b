package testidp

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// claims are what is known of a person, in the names of OpenID Connect Core 5.1, with user_id beside sub.
func (p Person) claims() map[string]any {
	claims := map[string]any{"sub": p.Subject, "user_id": p.Subject, "preferred_username": p.Login}
	for name, value := range map[string]string{"email": p.Email, "family_name": p.FamilyName, "given_name": p.GivenName} {
		if value != "" {
			claims[name] = value
		}
	}
	if p.Email != "" {
		claims["email_verified"] = true
	}
	if p.FamilyName != "" || p.GivenName != "" {
		claims["name"] = p.label()
	}
	if len(p.Groups) > 0 {
		claims["groups"] = p.Groups
	}
	for name, values := range p.Attributes {
		claims[name] = values
		if len(values) == 1 {
			claims[name] = values[0]
		}
	}
	maps.Copy(claims, p.Claims)
	return claims
}

// handleUserInfo is GET and POST /userinfo with a Bearer token (OpenID Connect Core 5.3, RFC 6750 section 2.1).
func (p *Provider) handleUserInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	g, ok := p.holder(token)
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		answerJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	_, _, knobs := p.settings()
	claims := g.person.claims()
	if knobs.OtherSub {
		claims["sub"], claims["user_id"] = knobs.forged(), knobs.forged()
	}
	knobs.spoilUser(w, claims)
}

// spoilUser answers user information, with user_id and the error as the knobs want.
func (k Knobs) spoilUser(w http.ResponseWriter, claims map[string]any) {
	id, _ := claims["user_id"].(string)
	status := http.StatusOK
	switch {
	case k.EmptyUserID:
		claims["user_id"] = ""
	case k.NoUserID:
		delete(claims, "user_id")
	case k.NumberUserID:
		claims["user_id"] = 12345
	case k.NestedUserID:
		claims["user_id"] = map[string]any{"user_id": id}
	case k.NULUserID:
		claims["user_id"] = id + "\x00"
	case k.LongUserID:
		claims["user_id"] = strings.Repeat("u", 300)
	}
	if k.ErrorWithUserID {
		claims["error"], claims["error_description"] = "303", "invalid_access"
	}
	if k.StatusWithUser {
		status = http.StatusBadRequest
	}
	if !k.DuplicateKeys {
		answerJSON(w, status, claims)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(k.doubled(claims, "user_id", "sub"))
}

// doubled writes a JSON object in which some names stand twice, Forged the second time.
func (k Knobs) doubled(claims map[string]any, names ...string) []byte {
	body, err := json.Marshal(claims)
	if err != nil {
		return nil
	}
	body = bytes.TrimSuffix(body, []byte("}"))
	value, _ := json.Marshal(k.forged())
	for _, name := range names {
		body = append(body, `,"`+name+`":`...)
		body = append(body, value...)
	}
	return append(body, '}')
}
