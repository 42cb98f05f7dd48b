package oauth_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/oauth"
)

// expect is the expect.json of a case: how to open the client, how the provider answers, what must come of it.
type expect struct {
	Profile        string   `json:"profile"`
	Code           string   `json:"code"` // bad
	Got            string   `json:"got"`  // part of the last check
	Fix            string   `json:"fix"`
	Want           *wanted  `json:"want"` // good
	TokenStatus    int      `json:"token_status"`
	TokenType      string   `json:"token_type"`
	UserInfoStatus int      `json:"userinfo_status"`
	UserInfoType   string   `json:"userinfo_type"`
	UserKeyClaim   string   `json:"user_key_claim"`
	EmailClaim     string   `json:"email_claim"`
	NameClaims     []string `json:"name_claims"`
}

type wanted struct {
	UserKey    string `json:"user_key"`
	Subject    string `json:"subject"`
	SessionID  string `json:"session_id"`
	Email      string `json:"email"`
	FamilyName string `json:"family_name"`
	GivenName  string `json:"given_name"`
	ExpiresIn  int    `json:"expires_in"`
}

// walk runs every folder; a walk over too few has lost its data and fails.
func walk(t *testing.T, kind string, atLeast int, run func(*testing.T, string, expect)) {
	folders, err := filepath.Glob(filepath.Join("testdata", kind, "*"))
	if err != nil || len(folders) < atLeast {
		t.Fatalf("%d folders in testdata/%s, want at least %d", len(folders), kind, atLeast)
	}
	for _, dir := range folders {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "expect.json"))
			if err != nil {
				t.Fatal(err)
			}
			var e expect
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&e); err != nil {
				t.Fatal(err)
			}
			run(t, dir, e)
		})
	}
}

func TestBadAnswersAreRefused(t *testing.T) {
	walk(t, "bad", 100, func(t *testing.T, dir string, e expect) {
		claims, checks, err := runCase(t, dir, e)
		wantRefusal(t, e.Code, claims, checks, err)
		if l := last(checks); !strings.Contains(l.Got, e.Got) {
			t.Errorf("got: want %q in %q", e.Got, l.Got)
		}
		if r := err.(*oauth.Refusal); r.Fix == "" || (e.Fix != "" && string(r.Fix) != e.Fix) {
			t.Errorf("fix: want %q, got %q", e.Fix, r.Fix)
		}
	})
}

func TestHonestVarietyIsAccepted(t *testing.T) {
	walk(t, "good", 15, func(t *testing.T, dir string, e expect) {
		claims, checks, err := runCase(t, dir, e)
		if err != nil {
			t.Fatalf("%v: %+v", err, last(checks))
		}
		got := wanted{UserKey: claims.UserKey, Email: claims.Email, FamilyName: claims.FamilyName, GivenName: claims.GivenName, SessionID: claims.SessionID}
		if e.Want.Subject != "" {
			got.Subject = claims.Subject
		}
		if e.Want.ExpiresIn != 0 {
			got.ExpiresIn = int(claims.ExpiresIn / time.Second)
		}
		if diff := cmp.Diff(*e.Want, got); diff != "" {
			t.Fatal(diff)
		}
		for _, c := range checks {
			if !c.OK || c.Section == "" || c.Name == "" {
				t.Errorf("accepted with %+v", c)
			}
		}
		noSecrets(t, checks, nil)
		if text, _ := json.Marshal(claims); strings.Contains(string(text), accessToken) {
			t.Errorf("the access token is in the claims: %s", text)
		}
	})
}

// runCase lets the mock answer with the files of the folder.
func runCase(t *testing.T, dir string, e expect) (oauth.Claims, []oauth.Check, error) {
	t.Helper()
	m := newMock(t)
	fill := func(text []byte) string {
		sum := sha256.Sum256([]byte(accessToken))
		claims := m.claims()
		nonce, _ := claims["nonce"].(string)
		exp := strconv.FormatInt(claims["exp"].(int64), 10)
		return strings.NewReplacer("$EXPTEXT", exp, "$ISS", m.URL, "$CLIENT", clientID, "$NONCE", nonce, "$ACCESS", accessToken, "$SECRET", clientSecret,
			"$IAT", strconv.FormatInt(claims["iat"].(int64), 10), "$EXP", exp,
			"$ATHASH", base64.RawURLEncoding.EncodeToString(sum[:16])).Replace(string(text))
	}
	if text, err := os.ReadFile(filepath.Join(dir, "idtoken.json")); err == nil {
		m.sign = func(map[string]any) string { return signedBytes(jose.RS256, keys().rsa, "k1", []byte(fill(text))) }
	}
	if text, err := os.ReadFile(filepath.Join(dir, "token.json")); err == nil {
		m.token = func(w http.ResponseWriter, _ map[string]any) { body(w, e.TokenStatus, e.TokenType, fill(text)) }
	}
	if text, err := os.ReadFile(filepath.Join(dir, "userinfo.json")); err == nil {
		m.userInfo = func(w http.ResponseWriter, _ *http.Request) { body(w, e.UserInfoStatus, e.UserInfoType, fill(text)) }
	}
	c := m.open(t, e.Profile, func(c *oauth.Config) {
		c.UserKeyClaim, c.EmailClaim, c.NameClaims = e.UserKeyClaim, e.EmailClaim, e.NameClaims
	})
	secrets := m.begin(t, c)
	claims, checks, err := c.Finish(context.Background(), oauth.Answer{Code: goodCode, State: "state-handle"}, secrets)
	for _, path := range []string{"/token", "/userinfo"} {
		if m.counts[path].Load() > 1 {
			t.Errorf("%s was called %d times: a code is single use", path, m.counts[path].Load())
		}
	}
	return claims, checks, err
}

func body(w http.ResponseWriter, status int, kind, text string) {
	if kind == "" {
		kind = "application/json"
	}
	if status == 0 {
		status = 200
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
