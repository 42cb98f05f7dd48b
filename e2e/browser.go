package e2e

import (
	"strings"
	"testing"
)

// Browser is one person's browser: a Chromium with cookies of its own. Its methods fail the test when they cannot do what
// they are told within 30 seconds.
type Browser struct {
	t    testing.TB
	d    *driver
	name string
}

// BrowserOptions of a new browser; the zero value is a desktop in English, in light colours, with JavaScript.
type BrowserOptions struct {
	NoScript      bool
	Language      string // for example "ja-JP"
	Dark          bool
	Width, Height int // default 1280 by 800
	// Hosts are names that this browser finds elsewhere ("auth.example.com" at "127.0.0.1:4443"), whatever their certificates.
	Hosts map[string]string
}

// Cookie as the browser keeps it.
type Cookie struct {
	Name     string  `json:"name"`
	Value    string  `json:"value"`
	Domain   string  `json:"domain"`
	Path     string  `json:"path"`
	Expires  float64 `json:"expires"` // Unix time, -1 for a browser session
	HTTPOnly bool    `json:"httpOnly"`
	Secure   bool    `json:"secure"`
	SameSite string  `json:"sameSite"` // Strict, Lax or None
}

// Answer to a Fetch.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"headers"` // names in lower case
	Body   string            `json:"body"`
}

// NewBrowser opens a browser without cookies; it is closed with the test.
func NewBrowser(t testing.TB, o BrowserOptions) *Browser {
	t.Helper()
	if o.Width == 0 {
		o.Width, o.Height = 1280, 800
	}
	options := map[string]any{
		"javaScriptEnabled": !o.NoScript, "viewport": map[string]int{"width": o.Width, "height": o.Height},
		"colorScheme": "light", "locale": "en-US", "reducedMotion": "reduce",
	}
	if o.Dark {
		options["colorScheme"] = "dark"
	}
	if o.Language != "" {
		options["locale"] = o.Language
	}
	if o.Hosts != nil {
		options["ignoreHTTPSErrors"] = true
	}
	b := &Browser{t: t, d: o.driver(t)}
	if err := b.d.call("", "context", options, &b.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.d.call(b.name, "close", nil, nil) })
	return b
}

// driver is a Chromium of its own where names are to be found elsewhere: that is a setting of the whole program.
func (o BrowserOptions) driver(t testing.TB) *driver {
	t.Helper()
	if o.Hosts == nil {
		return sharedDriver(t)
	}
	var rules []string
	for name, address := range o.Hosts {
		rules = append(rules, "MAP "+name+" "+address)
	}
	d := startDriver(t, "--host-resolver-rules="+strings.Join(rules, ","))
	t.Cleanup(d.stop)
	return d
}

// Tab opens an empty tab.
func (b *Browser) Tab() *Tab {
	b.t.Helper()
	tab := &Tab{b: b}
	b.must("page", nil, &tab.name)
	return tab
}

// Cookies that would be sent to the address.
func (b *Browser) Cookies(address string) []Cookie {
	b.t.Helper()
	var cookies []Cookie
	b.must("cookies", map[string]any{"urls": []string{address}}, &cookies)
	return cookies
}

// ClearCookies removes the cookies of that name, "" for all.
func (b *Browser) ClearCookies(name string) {
	b.t.Helper()
	filter := map[string]any{}
	if name != "" {
		filter["name"] = name
	}
	b.must("clearCookies", filter, nil)
}

// Fetch makes a request with the browser's cookies outside any tab. Redirects are not followed. A form is sent when not nil.
func (b *Browser) Fetch(method, address string, header, form map[string]string) Answer {
	b.t.Helper()
	with := map[string]any{"method": method, "url": address, "headers": header}
	if form != nil {
		with["form"] = form
	}
	var a Answer
	b.must("fetch", with, &a)
	return a
}

func (b *Browser) must(what string, with, result any) {
	b.t.Helper()
	if err := b.d.call(b.name, what, with, result); err != nil {
		b.t.Fatal(err)
	}
}
