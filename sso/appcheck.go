package sso

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/web"
)

// rememberApp lets the identity provider ask, once, whether a login really came from an app (line-works.md section 1.6).
// The session key is the sessionKey parameter of OAuth, or the AuthnRequest ID of SAML.
func (g *Gateway) rememberApp(ctx context.Context, t directory.ConnectionType, s Start, leave Departure) error {
	key := s.SessionKey
	if t == directory.SAML {
		key = leave.RequestID
	}
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return g.logins.Put(ctx, appKey(key), b, g.o.LoginWindow)
}

func appKey(sessionKey string) string { return "app\x00" + sessionKey }

// checkApp is the session verification API: 200 with code 00 for a genuine app login asked about for the first time with its
// own ssoType, otherwise 200 with code 12.
func (g *Gateway) checkApp(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := g.allowAddress(ctx, "check-address", g.o.AnswersPerAddress); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return &web.Error{Status: http.StatusBadRequest, Code: "bad_request", Err: errors.New("sso: session check form")}
	}
	type answer struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	}
	stored, err := g.logins.Take(ctx, appKey(r.PathValue("sessionKey")))
	if err != nil && !errors.Is(err, session.ErrMissing) {
		return failed(err)
	}
	var t directory.ConnectionType
	if err != nil || json.Unmarshal(stored, &t) != nil || !strings.EqualFold(r.PostForm.Get("ssoType"), string(t)) {
		return web.JSON(w, http.StatusOK, answer{Message: "Invalid access", Code: "12"})
	}
	return web.JSON(w, http.StatusOK, answer{Message: "success", Code: "00"})
}
