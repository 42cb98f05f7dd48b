package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/web"
)

func texts(t *testing.T, lang string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("locales/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%s: %v", lang, err)
	}
	return m
}

var placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)

// TestTexts holds the languages against the templates: each text that is used is there, and each that is there is used.
func TestTexts(t *testing.T) {
	used := map[string]bool{}
	templates, err := filepath.Glob("templates/*.html")
	if err != nil || len(templates) < 8 {
		t.Fatalf("templates: %v, %v", templates, err)
	}
	call := regexp.MustCompile(`\.T "([^"]+)"`)
	for _, file := range templates {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
	}
	for _, code := range web.Codes() {
		for _, part := range []string{"title", "text", "todo"} {
			used["error."+code+"."+part] = true
		}
	}
	english := texts(t, "en")
	for _, lang := range web.Languages() {
		m := texts(t, lang)
		for key := range used {
			if strings.TrimSpace(m[key]) == "" {
				t.Errorf("%s lacks %s", lang, key)
			}
			a, b := placeholder.FindAllString(m[key], -1), placeholder.FindAllString(english[key], -1)
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s: %s has placeholders %v, English has %v", lang, key, a, b)
			}
			if lang != "en" && len(english[key]) > 12 && m[key] == english[key] && key != "account.example" {
				t.Errorf("%s: %s is not translated", lang, key)
			}
		}
		for key := range m {
			if !used[key] {
				t.Errorf("%s: nobody uses %s", lang, key)
			}
		}
	}
	if entries, _ := filepath.Glob("locales/*"); len(entries) != len(web.Languages()) {
		t.Errorf("%d files of texts for %d languages", len(entries), len(web.Languages()))
	}
}

// TestEveryCodeHasItsOwnPage: a code whose page looks like that of another is a text that was forgotten.
func TestEveryCodeHasItsOwnPage(t *testing.T) {
	for _, lang := range web.Languages() {
		seen := map[string]string{}
		for _, code := range web.Codes() {
			f := newFixture(t, nil)
			f.Handle("GET /x", web.Public, 0, func(http.ResponseWriter, *http.Request) error { return &web.Error{Status: 403, Code: code} })
			text := body(t, f.do(get("/x?lang="+lang)))
			title := regexp.MustCompile(`<h1>(.*)</h1>\n<p class="lead">(.*)</p>`).FindString(text)
			if title == "" || seen[title] != "" {
				t.Errorf("%s: %s looks like %s: %q", lang, code, seen[title], title)
			}
			seen[title] = code
		}
	}
}
