package testidp

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Browser walks through a sign-in as a person's browser does, without a screen and without scripts: it keeps cookies per
// host, follows redirects and submits forms. Cookies marked Secure are sent over plain http too, as browsers do on loopback.
// It is for tests and the demo; SameSite is not enforced, for that a real browser is needed.
type Browser struct {
	// Through sends a request; nil uses a client of its own with a limit of 30 s.
	Through http.RoundTripper
	// Visit is told of every answer, in order; nil is nobody.
	Visit func(Visited)

	mu      sync.Mutex
	cookies map[string]map[string]string // host name → cookie name → value
	page    *url.URL                     // that is shown
}

// Visited is one request and its answer.
type Visited struct {
	Method string
	URL    *url.URL
	Status int
	To     string // Location of a redirect
}

// Screen is what the browser shows at the end.
type Screen struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	Forms  []Form
}

// Form is a form of a page. Fields are its hidden inputs; Buttons are the submit buttons that have a name.
type Form struct {
	Action  *url.URL
	Method  string
	Fields  url.Values
	Buttons []Button
}

// Button is a submit button.
type Button struct{ Name, Value string }

const mostHops = 20

// Open goes to an address and follows redirects until a page is shown.
func (b *Browser) Open(ctx context.Context, address string) (*Screen, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return b.walk(ctx, http.MethodGet, u, nil)
}

// Submit sends a form, with the given button pressed ("" none) and further fields, and follows redirects.
func (b *Browser) Submit(ctx context.Context, f Form, button string, more url.Values) (*Screen, error) {
	values := url.Values{}
	for _, from := range []url.Values{f.Fields, more} {
		for k, v := range from {
			values[k] = v
		}
	}
	for _, each := range f.Buttons {
		if each.Value == button && button != "" {
			values.Set(each.Name, each.Value)
		}
	}
	return b.walk(ctx, f.Method, f.Action, values)
}

// SignIn opens the login address and goes on, through the pages of this provider and forms that only wait for a script, until
// another page is shown. login chooses the person when the provider asks.
func (b *Browser) SignIn(ctx context.Context, address, login string) (*Screen, error) {
	s, err := b.Open(ctx, address)
	for range mostHops {
		if err != nil || len(s.Forms) == 0 {
			return s, err
		}
		form, button, again := s.next(login)
		if !again {
			return s, nil
		}
		s, err = b.Submit(ctx, form, button, nil)
	}
	return s, errors.New("testidp: browser: too many forms")
}

// next is the form that leads on: the provider's button for the person, or a form with a SAML message in it.
func (s *Screen) next(login string) (form Form, button string, ok bool) {
	for _, f := range s.Forms {
		if f.Fields.Has("SAMLResponse") || f.Fields.Has("SAMLRequest") {
			return f, "", true
		}
		for _, b := range f.Buttons {
			if b.Name == "person" && b.Value == login {
				return f, login, true
			}
		}
	}
	return Form{}, "", false
}

// Cookie returns the value of a cookie for a host name, "" when there is none.
func (b *Browser) Cookie(host, name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cookies[host][name]
}

// Plant sets a cookie; an empty value removes it.
func (b *Browser) Plant(host, name, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cookies == nil {
		b.cookies = map[string]map[string]string{}
	}
	if b.cookies[host] == nil {
		b.cookies[host] = map[string]string{}
	}
	if value == "" {
		delete(b.cookies[host], name)
		return
	}
	b.cookies[host][name] = value
}

func (b *Browser) walk(ctx context.Context, method string, u *url.URL, form url.Values) (*Screen, error) {
	for range mostHops {
		resp, err := b.send(ctx, method, u, form)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		if b.Visit != nil {
			b.Visit(Visited{Method: method, URL: u, Status: resp.StatusCode, To: resp.Header.Get("Location")})
		}
		next, err := resp.Location()
		if err != nil || resp.StatusCode < 300 || resp.StatusCode > 399 {
			b.page = u
			return &Screen{URL: u, Status: resp.StatusCode, Header: resp.Header, Body: string(body), Forms: forms(u, string(body))}, nil
		}
		if resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect {
			method, form = http.MethodGet, nil
		}
		u = next
	}
	return nil, fmt.Errorf("testidp: browser: more than %d redirects", mostHops)
}

func (b *Browser) send(ctx context.Context, method string, u *url.URL, form url.Values) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	var body io.Reader
	to := *u
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		to.RawQuery = form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		cancel()
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Sec-Fetch-Site", b.from(u))
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	req.Header.Set("Accept-Language", "en")
	b.attach(req)
	through := b.Through
	if through == nil {
		through = http.DefaultTransport
	}
	resp, err := through.RoundTrip(req)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &closing{resp.Body, cancel}
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			c.Value = ""
		}
		b.Plant(u.Hostname(), c.Name, c.Value)
	}
	return resp, nil
}

// from says how the shown page stands to an address (Fetch Metadata, Sec-Fetch-Site).
func (b *Browser) from(to *url.URL) string {
	switch {
	case b.page == nil:
		return "none"
	case b.page.Host == to.Host:
		return "same-origin"
	default:
		return "cross-site"
	}
}

func (b *Browser) attach(req *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, value := range b.cookies[req.URL.Hostname()] {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
}

// closing ends the request's time limit with its body.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *closing) Close() error { defer c.cancel(); return c.ReadCloser.Close() }

var (
	formTag   = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	buttonTag = regexp.MustCompile(`(?is)<button\b([^>]*)>`)
	attribute = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// forms reads the forms of a page written by us or by this provider; it is no HTML parser.
func forms(base *url.URL, page string) []Form {
	var all []Form
	for _, m := range formTag.FindAllStringSubmatch(page, -1) {
		a := attributes(m[1])
		action, err := base.Parse(a["action"])
		if err != nil {
			continue
		}
		f := Form{Action: action, Method: strings.ToUpper(a["method"]), Fields: url.Values{}}
		if f.Method == "" {
			f.Method = http.MethodGet
		}
		for _, in := range inputTag.FindAllStringSubmatch(m[2], -1) {
			if i := attributes(in[1]); strings.EqualFold(i["type"], "hidden") {
				f.Fields.Add(i["name"], i["value"])
			}
		}
		for _, bt := range buttonTag.FindAllStringSubmatch(m[2], -1) {
			if i := attributes(bt[1]); i["name"] != "" {
				f.Buttons = append(f.Buttons, Button{Name: i["name"], Value: i["value"]})
			}
		}
		all = append(all, f)
	}
	return all
}

func attributes(tag string) map[string]string {
	all := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		all[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3])
	}
	return all
}
