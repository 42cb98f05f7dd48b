package testidp_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/testidp"
)

// worksService is what calls the two APIs of the seed.
type worksService struct {
	p *testidp.Provider
	b browser
}

func newWorks(t *testing.T) worksService {
	t.Helper()
	p := start(t, "alice")
	if err := p.AddClient(testidp.OAuthClient{ID: "works", Secret: "hush", RedirectURIs: []string{callback}, Profile: testidp.ProfileWorks}); err != nil {
		t.Fatal(err)
	}
	return worksService{p, newBrowser(t)}
}

// code signs in and reads the code that was appended to the redirect URI with its state inside.
func (s worksService) code(path string, more ...string) string {
	s.b.t.Helper()
	query := url.Values{"response_type": {"code"}, "client_id": {"works"}, "redirect_uri": {callback + "?state=abc"}, "worksId": {"alice@mycompany.com"}}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	back, err := url.Parse(s.b.get(s.p.URL(path + "?" + query.Encode())).Header.Get("Location"))
	if err != nil || !strings.HasPrefix(back.String(), callback+"?state=abc") {
		s.b.t.Fatalf("sent back to %s: %v", back, err)
	}
	return back.Query().Get("code")
}

// call posts a form and reads the JSON answer.
func (s worksService) call(path string, form ...string) (int, map[string]any) {
	s.b.t.Helper()
	fields := url.Values{"client_id": {"works"}, "client_secret": {"hush"}}
	for i := 0; i < len(form); i += 2 {
		fields.Set(form[i], form[i+1])
	}
	got := s.b.post(s.p.URL(path), fields)
	answer := map[string]any{}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		s.b.t.Fatalf("%s: %d %q: %v", path, got.StatusCode, got.body, err)
	}
	return got.StatusCode, answer
}

func (s worksService) token() string {
	s.b.t.Helper()
	status, answer := s.call("/works/token", "grant_type", "authorization_code", "code", s.code("/works/login"))
	if status != 200 || answer["token_type"] != "Bearer" {
		s.b.t.Fatalf("token: %d %v", status, answer)
	}
	return answer["access_token"].(string)
}

func TestWorks(t *testing.T) {
	s := newWorks(t)
	if status, answer := s.call("/works/userinfo", "access_token", s.token()); status != 200 || answer["user_id"] != "A-100" || len(answer) != 1 {
		t.Errorf("user information %d %v", status, answer)
	}
	if got := s.p.LastRequest("/works/userinfo"); got.Method != "POST" || got.Form.Get("client_secret") != "hush" {
		t.Errorf("recorded %+v", got)
	}
	if code := s.code("/works/app-login", "userAgent", "LineWorks", "sessionKey", "k"); code == "" {
		t.Error("no code for an application login")
	}
	app := s.b.get(s.p.URL("/works/app-login?response_type=code&client_id=works&redirect_uri=" + url.QueryEscape(callback)))
	if app.StatusCode != 400 {
		t.Errorf("an application login without sessionKey: %d", app.StatusCode)
	}
	other := s.b.get(s.p.URL("/authorize?response_type=code&client_id=works&redirect_uri=" + url.QueryEscape(callback)))
	if other.StatusCode != 400 {
		t.Errorf("a works client at /authorize: %d", other.StatusCode)
	}
}

func TestWorksErrors(t *testing.T) {
	s := newWorks(t)
	token := s.token()
	code := s.code("/works/login")
	s.call("/works/token", "grant_type", "authorization_code", "code", code)
	for _, c := range []struct {
		path, want string
		form       []string
	}{
		{"/works/token", "101", []string{"grant_type", "authorization_code", "code", code}},
		{"/works/token", "101", []string{"grant_type", "authorization_code", "code", "guess"}},
		{"/works/token", "201", []string{"grant_type", "password", "code", "x"}},
		{"/works/token", "301", []string{"client_secret", "guess"}},
		{"/works/userinfo", "301", []string{"client_id", "guess", "access_token", token}},
		{"/works/userinfo", "201", nil},
		{"/works/userinfo", "303", []string{"access_token", "guess"}},
		{"/works/userinfo", "303", []string{"access_token", code}},
	} {
		if _, answer := s.call(c.path, c.form...); answer["error"] != c.want || answer["error_description"] == "" {
			t.Errorf("%s %v: %v, want %s", c.path, c.form, answer, c.want)
		}
	}
	s.p.Misbehave(testidp.Knobs{WorksError: "303"})
	if status, answer := s.call("/works/userinfo", "access_token", token); status != 400 || answer["error_description"] != "invalid_access" {
		t.Errorf("WorksError: %d %v", status, answer)
	}
}
