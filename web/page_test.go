package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/web"
)

// pages are all pages, each with data that shows everything it can show.
var pages = []struct {
	name string
	data any
	want []string
}{
	{"post", web.PostForm{Action: "https://idp.example/sso?a=1&b=2", Fields: map[string]string{"SAMLResponse": `"><script>`, "RelayState": "r"}},
		[]string{`action="https://idp.example/sso?a=1&amp;b=2"`, `name="SAMLResponse" value="&#34;&gt;&lt;script&gt;"`, "data-submit", `type="submit"`, "idp.example"}},
	{"account", web.AskAccount{Account: `"><script>`, AccessURL: "https://a.example/?x=1", Unknown: true},
		[]string{`method="get" action="/login"`, `autocomplete="username"`, `aria-invalid="true"`, `role="alert"`, `value="&#34;&gt;&lt;script&gt;"`, `name="accessUrl" value="https://a.example/?x=1"`}},
	{"continue", web.Continue{Action: "/continue", Handle: "h1", Domain: "mycompany.com", Name: "mina", Target: "board.example.com"},
		[]string{`action="/continue"`, `name="handle" value="h1"`, "mycompany.com", "mina", "board.example.com"}},
	{"signedout", web.SignedOut{Domain: "mycompany.com", LoginURL: "/d/login/mycompany.com"}, []string{`href="/d/login/mycompany.com"`}},
	{"logout", web.ConfirmLogout{Action: "/d/logout/mycompany.com", RedirectURI: "https://a.example/"},
		[]string{`action="/d/logout/mycompany.com"`, `name="redirect_uri" value="https://a.example/"`}},
	{"nosso", web.NoSSO{Domain: "mycompany.com"}, []string{"mycompany.com"}},
	{"home", web.Home{Name: "<b>Mina</b>", Account: "mina@mycompany.com", Expires: time.Unix(0, 0), LogoutAction: "/d/logout/mycompany.com"},
		[]string{`action="/d/logout/mycompany.com"`, "&lt;b&gt;Mina&lt;/b&gt;", "mina@mycompany.com", `datetime="1970-01-01T00:00:00Z"`}},
}

func show(t *testing.T, name string, data any, r *http.Request, change func(*web.Options), formAction ...string) (*http.Response, string) {
	t.Helper()
	f := newFixture(t, change)
	f.Handle("GET /page", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error { return web.Page(w, r, name, data, formAction...) })
	f.Handle("POST /page", web.SameOrigin, 0, func(w http.ResponseWriter, r *http.Request) error { return web.Page(w, r, name, data, formAction...) })
	a := f.do(r)
	return a, body(t, a)
}

func TestPages(t *testing.T) {
	for _, p := range pages {
		for _, lang := range web.Languages() {
			a, text := show(t, p.name, p.data, get("/page?lang="+lang), nil)
			referrer := map[bool]string{true: "same-origin", false: "no-referrer"}[strings.Contains(text, `<form method="post" action="/`)]
			if got := a.Header.Get("Referrer-Policy"); got != referrer {
				t.Errorf("%s: Referrer-Policy %q, want %q", p.name, got, referrer)
			}
			if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("Content-Language") != lang {
				t.Errorf("%s in %s: %d %v", p.name, lang, a.StatusCode, a.Header)
			}
			for _, want := range append([]string{`<html lang="` + lang + `">`, "/static/app.css?v=", "/static/app.js?v=", "<h1>"}, p.want...) {
				if !strings.Contains(text, want) {
					t.Errorf("%s in %s lacks %s:\n%s", p.name, lang, want, text)
				}
			}
			for _, never := range []string{" style=", "<style", "javascript:", "onclick", "onload", "<script>", "ZgotmplZ", "&lt;nil", "{{"} {
				if strings.Contains(text, never) {
					t.Errorf("%s in %s holds %s", p.name, lang, never)
				}
			}
		}
	}
	if a, _ := show(t, "nothing", nil, get("/page"), nil); a.StatusCode != 500 {
		t.Errorf("a page that is none: %d", a.StatusCode)
	}
}

func TestFormAction(t *testing.T) {
	local := func(o *web.Options) { o.PublicURL = &url.URL{Scheme: "http", Host: "sso.example.com"} }
	post := func(action string) web.PostForm { return web.PostForm{Action: action} }
	for _, c := range []struct {
		name   string
		page   string
		data   any
		change func(*web.Options)
		given  []string
		want   string
	}{
		{"the identity provider, and where it may send on", "post", post("https://idp.example:8443/sso?x"), nil, nil, "'self' https://idp.example:8443 https:"},
		{"an http identity provider the operator allowed", "post", post("http://idp.internal/sso"), nil, nil, "'self' http://idp.internal https:"},
		{"ourselves by http", "post", post("http://127.0.0.1:9000/sso"), local, nil, "'self' http://127.0.0.1:9000 https: http:"},
		{"an action that would end the directive", "post", post("https://a;script-src *"), nil, nil, "'self' https:"},
		{"a host that would", "post", post("https://a;script-src"), nil, nil, "'self' https:"},
		{"every host", "post", post("https://*"), nil, nil, "'self' https:"},
		{"no address", "post", post("javascript:alert(1)"), nil, nil, "'self' https:"},
		{"given twice", "post", post("https://idp.example/a"), nil, []string{"https://idp.example"}, "'self' https://idp.example https:"},
		{"given", "continue", web.Continue{}, nil, []string{"https://board.example.com/x"}, "'self' https://board.example.com https:"},
		{"a page without a form", "nosso", web.NoSSO{}, nil, nil, "'self'"},
		{"signed out", "signedout", web.SignedOut{}, nil, nil, "'self'"},
	} {
		a, text := show(t, c.page, c.data, get("/page"), c.change, c.given...)
		want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action " + c.want + "; frame-ancestors 'none'; base-uri 'none'"
		if got := a.Header.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, want)
		}
		if strings.Contains(text, `"javascript:`) {
			t.Errorf("%s: %s", c.name, text)
		}
		if hsts := a.Header.Get("Strict-Transport-Security"); (hsts == "") != (c.change != nil) {
			t.Errorf("%s: HSTS %q", c.name, hsts)
		}
	}
}

func TestErrorsAsPageAndAsJSON(t *testing.T) {
	f := newFixture(t, nil)
	f.Handle("GET /x", web.Public, 0, func(_ http.ResponseWriter, r *http.Request) error {
		return &web.Error{Status: 403, Code: r.URL.Query().Get("c"), Ref: "L0GIN", RetryURL: r.URL.Query().Get("retry")}
	})
	for accept, isJSON := range map[string]bool{
		"":    false,
		"*/*": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false,
		"application/json":                                 true,
		"application/scim+json, */*;q=0.1":                 true,
		"application/json;q=0.5, text/html;q=0.9":          false,
		"application/json, text/html;q=0.9":                true,
		"application/json;q=0":                             false,
		"application/json;q=rubbish, text/html;q=0.999999": true,
	} {
		r := get("/x?c=not_a_member&lang=ja")
		r.Header.Set("Accept", accept)
		a := f.do(r)
		text := body(t, a)
		if !isJSON {
			if !strings.Contains(text, "このアカウントではログインできません") || !strings.Contains(text, "L0GIN") {
				t.Errorf("Accept %q: %s", accept, text)
			}
			continue
		}
		var got struct{ Code, Ref, Message string }
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Errorf("Accept %q: %v: %s", accept, err, text)
			continue
		}
		if a.StatusCode != 403 || got.Code != "not_a_member" || got.Ref != "L0GIN" || !strings.HasPrefix(got.Message, "会社での") {
			t.Errorf("Accept %q: %d %+v", accept, a.StatusCode, got)
		}
	}
	for retry, shown := range map[string]bool{
		"/d/login/mycompany.com?accessUrl=x": true, "": false, "//evil.example/": false, "https://evil.example/": false,
		"javascript:alert(1)": false, `/\evil.example`: false,
	} {
		text := body(t, f.do(get("/x?c=idp_error&retry="+url.QueryEscape(retry))))
		if strings.Contains(text, `class="button"`) != shown {
			t.Errorf("retry %q: %s", retry, text)
		}
		for _, code := range []string{"nobody_knows", "", "../x"} {
			if text := body(t, f.do(get("/x?c="+code))); !strings.Contains(text, "We could not sign you in") {
				t.Errorf("code %q: %s", code, text)
			}
		}
	}
}

func TestUnknownCodesAreShownByStatus(t *testing.T) {
	titles := map[int]string{
		400: "We could not sign you in", 401: "We could not sign you in", 403: "We could not sign you in", 404: "There is nothing at this address",
		405: "This page cannot be used this way", 413: "That was too much data", 429: "Too many attempts", 500: "Something went wrong here",
		502: "Something went wrong here", 503: "Signing in is not possible for a moment",
	}
	for status, title := range titles {
		f := newFixture(t, nil)
		f.Handle("GET /x", web.Public, 0, func(http.ResponseWriter, *http.Request) error { return &web.Error{Status: status, Code: "zzz"} })
		if text := body(t, f.do(get("/x"))); !strings.Contains(text, title) {
			t.Errorf("%d: %s", status, text)
		}
	}
}

func TestRedirect(t *testing.T) {
	for location, want := range map[string]string{
		"https://board.example.com/a?b=c#d": "https://board.example.com/a?b=c#d",
		"http://localhost:3000":             "http://localhost:3000",
		"HTTPS://board.example.com/%2F":     "https://board.example.com/%2F",
		"/d/login/mycompany.com?x=%0d%0a":   "/d/login/mycompany.com?x=%0d%0a",
		"/":                                 "/",
		"":                                  "", "//evil.example": "", `/\evil.example`: "", `\\evil.example`: "", "///evil.example": "",
		"javascript:alert(1)": "", "data:text/html,x": "", "https:evil.example": "", "https:/evil.example": "", "https://": "",
		"https://user@board.example.com/": "", "ftp://board.example.com/": "", "relative": "", "?x=1": "",
		"/a\r\nSet-Cookie: x=y": "", "/a\tb": "", "/a b": "", "https://app。example/": "", "https://[::1": "",
	} {
		f := newFixture(t, nil)
		f.Handle("GET /x", web.Public, 0, func(w http.ResponseWriter, r *http.Request) error { return web.Redirect(w, r, location) })
		a := f.do(get("/x"))
		if got := a.Header.Get("Location"); got != want {
			t.Errorf("%q: Location %q, want %q", location, got, want)
		}
		if wantStatus := map[bool]int{true: 303, false: 500}[want != ""]; a.StatusCode != wantStatus {
			t.Errorf("%q: status %d", location, a.StatusCode)
		}
	}
}

func TestJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := web.JSON(w, 201, map[string]string{"a": "<b>"}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 201 || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != `{"a":"\u003cb\u003e"}`+"\n" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	if err := web.JSON(httptest.NewRecorder(), 200, func() {}); err == nil {
		t.Error("a function was written as JSON")
	}
}
