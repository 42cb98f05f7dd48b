package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// asset is a static file, ready to be sent.
type asset struct {
	body, packed []byte
	kind         string
	version      string // of the content
	href         string
}

// kinds of static files; what is not listed is not served.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func loadAssets(files fs.FS) (map[string]asset, error) {
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, err
	}
	assets := make(map[string]asset, len(entries))
	for _, e := range entries {
		kind := kinds[path.Ext(e.Name())]
		if kind == "" {
			continue
		}
		body, err := fs.ReadFile(files, "static/"+e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		version := base64.RawURLEncoding.EncodeToString(sum[:9])
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		_, _ = z.Write(body)
		_ = z.Close()
		assets[e.Name()] = asset{body, packed.Bytes(), kind, version, "/static/" + e.Name() + "?v=" + version}
	}
	return assets, nil
}

// HandleStatic registers the style sheet, the script and the icon of the pages under /static/, as public.
func (m *Mux) HandleStatic() { m.Handle("GET /static/{name}", Public, 0, serveAsset) }

// serveAsset sends a static file. Under the address with its hash it may be kept for ever. During a rolling upgrade a page of
// one version may ask a node of the other: it gets that node's file, to be checked again next time.
func serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := content().assets[r.PathValue("name")]
	if !ok {
		return &Error{Status: http.StatusNotFound, Code: "not_found"}
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", `"`+a.version+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == "v="+a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == `"`+a.version+`"` {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body := a.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(a.packed) < len(a.body) {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
	return nil
}
