package web_test

import (
	"compress/gzip"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/web"
)

func TestStaticFiles(t *testing.T) {
	f := newFixture(t, nil)
	f.HandleStatic()
	_, text := show(t, "nosso", web.NoSSO{}, get("/page"), nil)
	links := regexp.MustCompile(`"(/static/([a-z.]+)\?v=[\w-]+)"`).FindAllStringSubmatch(text, -1)
	if len(links) != 3 {
		t.Fatalf("links: %v", links)
	}
	kinds := map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
	limits := map[string]int{"app.css": 15 << 10, "app.js": 4 << 10, "icon.svg": 1 << 10}
	for _, link := range links {
		href, name := link[1], link[2]
		a := f.do(get(href))
		content := body(t, a)
		if a.StatusCode != 200 || a.Header.Get("Content-Type") != kinds[name] || a.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v", href, a.StatusCode, a.Header)
		}
		if len(content) == 0 || len(content) > limits[name] {
			t.Errorf("%s has %d bytes", name, len(content))
		}
		for _, v := range []string{"", "?v=other"} {
			if a := f.do(get("/static/" + name + v)); a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s%s: %d %q", name, v, a.StatusCode, a.Header.Get("Cache-Control"))
			}
		}
		again := get(href)
		again.Header.Set("If-None-Match", a.Header.Get("ETag"))
		if a := f.do(again); a.StatusCode != 304 {
			t.Errorf("%s with its ETag: %d", name, a.StatusCode)
		}
		packed := get(href)
		packed.Header.Set("Accept-Encoding", "gzip, br")
		a = f.do(packed)
		if a.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(a.Body)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(z); err != nil || string(b) != content {
				t.Errorf("%s: gzip holds something else: %v", name, err)
			}
		} else if name != "icon.svg" {
			t.Errorf("%s is not compressed", name)
		}
		if strings.Contains(content, "http://") && name != "icon.svg" || strings.Contains(content, "https://") {
			t.Errorf("%s names another site", name)
		}
	}
	for _, path := range []string{"/static/", "/static/x.css", "/static/..%2flocales%2fen.json", "/static/app.css/x"} {
		if a := f.do(get(path)); a.StatusCode != 404 {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}
