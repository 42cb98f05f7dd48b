package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/web"
)

func TestLanguage(t *testing.T) {
	for _, c := range []struct{ query, cookie, accept, want string }{
		{"", "", "", "en"},
		{"", "", "ja", "ja"},
		{"", "", "ja-JP,ja;q=0.9,en-US;q=0.8", "ja"},
		{"", "", "fr-FR,fr;q=0.9,ko;q=0.5,en;q=0.1", "ko"},
		{"", "", "en-GB,en;q=0.9,ja;q=0.8", "en"},
		{"", "", "zh", "zh-CN"}, {"", "", "zh-CN", "zh-CN"}, {"", "", "zh-Hans", "zh-CN"}, {"", "", "zh-SG", "zh-CN"}, {"", "", "zh-Hans-HK", "zh-CN"},
		{"", "", "zh-TW", "zh-TW"}, {"", "", "zh-HK", "zh-TW"}, {"", "", "zh-Hant", "zh-TW"}, {"", "", "zh-MO", "zh-TW"},
		{"", "", "de,fr", "en"},
		{"", "", "*", "en"},
		{"", "", "rubbish;;q=ü,,-", "en"},
		{"", "", strings.Repeat("xx,", 100) + "ja", "en"},
		{"", "", "ko," + strings.Repeat("x", 100000), "ko"},
		{"", "", strings.Repeat("-", 5000), "en"},
		{"", "ja", "ko", "ja"},
		{"", "<script>", "ko", "ko"},
		{"lang=zh-TW", "ja", "ko", "zh-TW"},
		{"lang=zh-HK", "", "", "zh-TW"},
		{"lang=zh_TW", "", "", "zh-TW"},
		{"lang=xx", "ja", "ko", "ja"},
		{"lang=fr", "ja", "ko", "ja"},
		{"lang=", "", "ko", "ko"},
		{"slang=ja", "", "ko", "ko"},
		{"lang=" + strings.Repeat("a", 50000), "", "ko", "ko"},
	} {
		r := get("/?" + c.query)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "ssogate_lang", Value: c.cookie})
		}
		if got := web.Language(r); got != c.want {
			t.Errorf("%.60v: got %s, want %s", c, got, c.want)
		}
	}
}

func TestChoosingALanguage(t *testing.T) {
	a, text := show(t, "nosso", web.NoSSO{}, get("/page?accessUrl=https%3A%2F%2Fa.example%2F%3Fx%3D1&lang=ko"), nil)
	if got := a.Header.Get("Set-Cookie"); got != "ssogate_lang=ko; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=None" {
		t.Errorf("cookie %q", got)
	}
	for _, want := range []string{
		`href="?accessUrl=https%3A%2F%2Fa.example%2F%3Fx%3D1&amp;lang=ja" lang="ja"`, `lang="ko" hreflang="ko" rel="nofollow" aria-current="true">한국어`,
		">日本語<", ">简体中文<", ">繁體中文<", ">English<",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s:\n%s", want, text)
		}
	}
	a, _ = show(t, "nosso", web.NoSSO{}, get("/page?lang=xx"), nil)
	if got := a.Header.Get("Set-Cookie"); got != "" {
		t.Errorf("cookie for a language that is none: %q", got)
	}
	// No switch where asking again would not show the same page.
	for name, r := range map[string]*http.Request{
		"after a POST": post("/page", ""), "callback": get("/page?code=x&state=y"), "logout message": get("/page?SAMLRequest=x"),
	} {
		if _, text := show(t, "nosso", web.NoSSO{}, r, nil); strings.Contains(text, "hreflang") {
			t.Errorf("%s: the page offers languages", name)
		}
	}
	// The path of a stranger does not become a link.
	f := newFixture(t, nil)
	if text := body(t, f.do(get("//evil.example/x"))); strings.Contains(text, "evil.example") {
		t.Error(text)
	}
}
