package web

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/language"
)

// languageCookie keeps a choice made by ?lang=.
const languageCookie = "ssogate_lang"

// Languages are those the pages exist in, the first being what everybody gets who asks for none of them.
func Languages() []string { return []string{"en", "ja", "ko", "zh-CN", "zh-TW"} }

// languageNames are written in their own scripts: whoever looks for one may not read the page.
var languageNames = map[string]string{"en": "English", "ja": "日本語", "ko": "한국어", "zh-CN": "简体中文", "zh-TW": "繁體中文"}

// matcher knows by CLDR that zh-HK and zh-Hant are nearest to zh-TW, and zh and zh-Hans to zh-CN.
var matcher = language.NewMatcher([]language.Tag{
	language.English, language.Japanese, language.Korean, language.MustParse("zh-CN"), language.MustParse("zh-TW"),
})

func chooseLanguage(r *http.Request) string {
	if lang := asked(r); lang != "" {
		return lang
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if _, ok := languageNames[c.Value]; ok {
			return c.Value
		}
	}
	accept := strings.Join(r.Header.Values("Accept-Language"), ",")
	if len(accept) > 200 {
		// Nobody reads thirty languages; parsing is not free.
		accept = accept[:strings.LastIndexByte(accept[:200], ',')+1]
		accept = strings.TrimRight(accept, ", ")
	}
	return match(accept)
}

// asked is the language named by ?lang=, empty when there is none that we have.
func asked(r *http.Request) string {
	if !strings.Contains(r.URL.RawQuery, "lang=") {
		return ""
	}
	value := r.URL.Query().Get("lang")
	if value == "" || len(value) > 35 {
		return ""
	}
	tag, err := language.Parse(value)
	if err != nil {
		return ""
	}
	_, i, confidence := matcher.Match(tag)
	if confidence == language.No {
		return ""
	}
	return Languages()[i]
}

func match(accept string) string {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return Languages()[0]
	}
	_, i, _ := matcher.Match(tags...)
	return Languages()[i]
}

// rememberLanguage keeps what ?lang= asked for. Answers of identity providers come as cross-site POSTs, so the cookie is
// SameSite=None where it can be; it says nothing but the language.
func rememberLanguage(w http.ResponseWriter, r *http.Request, secure bool) {
	lang := asked(r)
	if lang == "" {
		return
	}
	same := http.SameSiteLaxMode
	if secure {
		same = http.SameSiteNoneMode
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, Secure: secure, HttpOnly: true, SameSite: same,
	})
}

// languageLink is one entry of the language switch.
type languageLink struct {
	Tag, Name, Href string
	Current         bool
}

// languageSwitch links to the same page in the other languages. It is empty where asking again would not show the same page:
// after a POST, and where the query is a message of an identity provider, which is answered once.
func languageSwitch(r *http.Request, current string) []languageLink {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > 4096 {
		query = url.Values{}
	}
	for _, once := range []string{"code", "state", "error", "SAMLRequest", "SAMLResponse"} {
		if query.Has(once) {
			return nil
		}
	}
	links := make([]languageLink, 0, len(languageNames))
	for _, lang := range Languages() {
		query.Set("lang", lang)
		// Without a path the link stays on this page, whatever the path looks like.
		links = append(links, languageLink{Tag: lang, Name: languageNames[lang], Href: "?" + query.Encode(), Current: lang == current})
	}
	return links
}
