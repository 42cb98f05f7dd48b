package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed templates locales static
var embedded embed.FS

// site is everything embedded, parsed once: pages, texts, static files. It does not change after it was made.
type site struct {
	pages  map[string]*template.Template
	texts  map[string]*i18n.Localizer
	assets map[string]asset
}

// content parses what is embedded, once, for the first mux; a fault in it is a fault of the build.
var content = sync.OnceValue(func() *site {
	s, err := loadSite(embedded)
	if err != nil {
		panic("web: " + err.Error())
	}
	return s
})

func loadSite(files fs.FS) (*site, error) {
	s := &site{pages: map[string]*template.Template{}, texts: map[string]*i18n.Localizer{}}
	bundle := i18n.NewBundle(language.English)
	for _, lang := range Languages() {
		if _, err := bundle.LoadMessageFileFS(files, "locales/"+lang+".json"); err != nil {
			return nil, err
		}
		s.texts[lang] = i18n.NewLocalizer(bundle, lang)
	}
	layout, err := template.ParseFS(files, "templates/layout.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		page, err := template.Must(layout.Clone()).ParseFS(files, name)
		if err != nil {
			return nil, err
		}
		s.pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	delete(s.pages, "layout")
	s.assets, err = loadAssets(files)
	return s, err
}

// view is what a template sees: the page's own data under .Data, texts by .T, addresses of static files by .Asset.
type view struct {
	Name      string
	Lang      string
	Languages []languageLink
	Data      any
	site      *site
}

// T is a text in the page's language; pairs fill its placeholders. A text that is missing is a fault of the build, which a
// test finds.
func (v view) T(key string, pairs ...string) (string, error) {
	config := &i18n.LocalizeConfig{MessageID: key}
	if len(pairs) > 0 {
		data := make(map[string]string, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			data[pairs[i]] = pairs[i+1]
		}
		config.TemplateData = data
	}
	return v.site.texts[v.Lang].Localize(config)
}

// Asset is the address of a static file, with its hash.
func (v view) Asset(name string) (string, error) {
	a, ok := v.site.assets[name]
	if !ok {
		return "", fmt.Errorf("web: no static file %q", name)
	}
	return a.href, nil
}

// leaving tells the pages with a form that ends on another site.
func leaving(name string) bool {
	switch name {
	case "post", "account", "continue", "logout":
		return true
	}
	return false
}

// ownForm tells the pages with a form that is posted to ourselves. Under no-referrer browsers send such a post with "Origin: null"
// (Fetch, section 3.1), and one that does not know Sec-Fetch-Site would then be refused by SameOrigin. Other sites still get
// neither referrer nor origin.
func ownForm(name string) bool { return name == "continue" || name == "logout" }

func page(w http.ResponseWriter, r *http.Request, status int, name string, data any, formAction ...string) error {
	s := content()
	t, ok := s.pages[name]
	if !ok {
		return fmt.Errorf("web: no page %q", name)
	}
	v := view{Name: name, Lang: chooseLanguage(r), Data: data, site: s}
	secure := r.TLS != nil
	if q := recordOf(r.Context()); q != nil {
		secure = q.mux.secure
	}
	if name != "post" {
		v.Languages = languageSwitch(r, v.Lang)
	}
	if form, ok := data.(PostForm); ok {
		formAction = append(formAction, form.Action)
	}
	var body bytes.Buffer
	if err := t.ExecuteTemplate(&body, "layout", v); err != nil {
		return fmt.Errorf("web: page %s: %w", name, err)
	}
	h := w.Header()
	rememberLanguage(w, r, secure)
	if ownForm(name) {
		h.Set("Referrer-Policy", "same-origin")
	}
	h.Set("Content-Security-Policy", policy(formSources(leaving(name), secure, formAction)...))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	// The status is out: whoever hung up does not want the rest.
	_, _ = w.Write(body.Bytes())
	return nil
}

// Host is the host of Action, shown to the person.
func (p PostForm) Host() string {
	if u, err := url.Parse(p.Action); err == nil {
		return u.Host
	}
	return ""
}

// Until is the end of the session for machines, UntilText for people.
func (h Home) Until() string { return h.Expires.UTC().Format(time.RFC3339) }

// UntilText names the time zone: the page does not know that of the person.
func (h Home) UntilText() string { return h.Expires.UTC().Format("2006-01-02 15:04 UTC") }

// errorText is what an error page says.
type errorText struct{ Title, Text, Todo string }

// shownError is what templates/error.html sees.
type shownError struct {
	Texts    errorText
	Ref      string
	Time     time.Time
	RetryURL string
}

// Codes are the error codes that have texts of their own. Any other code is shown as the nearest of these by its status.
func Codes() []string {
	return []string{
		"access_url_refused", "bad_request", "cookie_missing", "cross_site", "domain_disabled", "idp_error", "idp_unreachable",
		"internal", "login_expired", "login_refused", "logout_refused", "method_not_allowed", "not_a_member", "not_found",
		"rate_limited", "signed_out_elsewhere", "sso_off", "too_large", "unavailable", "unknown_domain", "wrong_host",
	}
}

// errorTexts are the texts of a code in a language; a code without texts is shown by its status.
func errorTexts(lang, code string, status int) errorText {
	v := view{Lang: lang, site: content()}
	title, err := v.T("error." + code + ".title")
	if err != nil || title == "" {
		code = codeOf(status)
		title, _ = v.T("error." + code + ".title")
	}
	text, _ := v.T("error." + code + ".text")
	todo, _ := v.T("error." + code + ".todo")
	return errorText{Title: title, Text: text, Todo: todo}
}

// codeOf is the code that tells a person most of what a status tells.
func codeOf(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "not_found"
	case status == http.StatusMethodNotAllowed:
		return "method_not_allowed"
	case status == http.StatusRequestEntityTooLarge:
		return "too_large"
	case status == http.StatusTooManyRequests:
		return "rate_limited"
	case status == http.StatusServiceUnavailable:
		return "unavailable"
	case status >= 500:
		return "internal"
	}
	return "login_refused"
}
