package e2e

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Person is somebody without a browser: keeps cookies, follows redirects, fills forms, runs no script.
type Person struct {
	Client *http.Client
	t      testing.TB
}

// NewPerson starts without cookies. Unlike Go's cookie jar, it keeps Secure cookies over plain http, as browsers do on
// loopback; it knows nothing of SameSite.
func NewPerson(t testing.TB) *Person {
	jar := &cookieJar{hosts: map[string]map[string]*http.Cookie{}}
	return &Person{t: t, Client: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

// Sheet is a page as a person without a browser sees it.
type Sheet struct {
	URL    *url.URL // after redirects
	Status int
	Header http.Header
	Body   string
	Forms  []WebForm
}

// WebForm is a form of a page, with the values that stand in it.
type WebForm struct {
	Action *url.URL
	Method string
	Values url.Values
}

// Open gets a page and follows redirects.
func (p *Person) Open(address string) Sheet {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(req)
}

// Submit sends a form as it stands, with the given values instead of its own.
func (p *Person) Submit(f WebForm, with map[string]string) Sheet {
	p.t.Helper()
	values := url.Values{}
	for name, all := range f.Values {
		values[name] = all
	}
	for name, value := range with {
		values.Set(name, value)
	}
	target, body := *f.Action, values.Encode()
	if f.Method == http.MethodGet {
		target.RawQuery, body = body, ""
	}
	req, err := http.NewRequestWithContext(p.t.Context(), f.Method, target.String(), strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if f.Method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return p.do(req)
}

// SignIn opens the address and goes on, by the provider's form and those that scripts would send (SAMLRequest,
// SAMLResponse), until a page has neither; that page is returned.
func (p *Person) SignIn(address string, how Form) Sheet {
	p.t.Helper()
	sheet, signed := p.Open(address), false
	for range 10 {
		next, with, ok := step(sheet, how, signed)
		if !ok {
			return sheet
		}
		signed = signed || with != nil
		sheet = p.Submit(next, with)
	}
	p.t.Fatalf("e2e: the sign-in turns in circles at %s\n%s", sheet.URL, sheet.Body)
	return sheet
}

func step(s Sheet, how Form, signed bool) (WebForm, map[string]string, bool) {
	for _, f := range s.Forms {
		if f.Values.Has("SAMLResponse") || f.Values.Has("SAMLRequest") && !hasAll(f, how) {
			return f, nil, true
		}
		if !signed && hasAll(f, how) {
			return f, how.Fields, true
		}
	}
	return WebForm{}, nil, false
}

func hasAll(f WebForm, how Form) bool {
	for name := range how.Fields {
		if !f.Values.Has(name) {
			return false
		}
	}
	return true
}

func (p *Person) do(req *http.Request) Sheet {
	p.t.Helper()
	res, err := p.Client.Do(req)
	if err != nil {
		p.t.Fatalf("e2e: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		p.t.Fatalf("e2e: %v", err)
	}
	s := Sheet{URL: res.Request.URL, Status: res.StatusCode, Header: res.Header, Body: string(body)}
	s.Forms = forms(s.URL, s.Body)
	return s
}

// String tells where the person stands.
func (s Sheet) String() string { return fmt.Sprintf("%d at %s\n%s", s.Status, s.URL, s.Body) }

var (
	tag       = regexp.MustCompile(`(?i)<(form|/form|input|textarea)((?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)\s*/?>`)
	attribute = regexp.MustCompile(`([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// forms reads the forms of a page: enough of HTML for sign-in pages.
func forms(base *url.URL, page string) []WebForm {
	var all []WebForm
	open := false
	for _, m := range tag.FindAllStringSubmatch(page, -1) {
		with := map[string]string{}
		for _, a := range attribute.FindAllStringSubmatch(m[2], -1) {
			with[strings.ToLower(a[1])] = html.UnescapeString(a[2] + a[3] + a[4])
		}
		switch name := strings.ToLower(m[1]); {
		case name == "form":
			action, err := base.Parse(with["action"])
			if err != nil {
				action = base
			}
			method := strings.ToUpper(with["method"])
			if method == "" {
				method = http.MethodGet
			}
			all, open = append(all, WebForm{Action: action, Method: method, Values: url.Values{}}), true
		case name == "/form":
			open = false
		case open && with["name"] != "":
			all[len(all)-1].Values.Add(with["name"], with["value"])
		}
	}
	return all
}

// cookieJar keeps cookies by host name, without the port, as browsers do.
type cookieJar struct {
	mu    sync.Mutex
	hosts map[string]map[string]*http.Cookie
}

func (j *cookieJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	host := u.Hostname()
	if j.hosts[host] == nil {
		j.hosts[host] = map[string]*http.Cookie{}
	}
	for _, c := range cookies {
		if c.Path == "" || c.Path[0] != '/' {
			c.Path = u.Path[:strings.LastIndexByte("/"+u.Path, '/')] // RFC 6265 section 5.1.4
		}
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			delete(j.hosts[host], c.Name+";"+c.Path)
			continue
		}
		j.hosts[host][c.Name+";"+c.Path] = c
	}
}

func (j *cookieJar) Cookies(u *url.URL) []*http.Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	var send []*http.Cookie
	for _, c := range j.hosts[u.Hostname()] {
		if path := strings.TrimSuffix(c.Path, "/"); u.Path == path || strings.HasPrefix(u.Path, path+"/") {
			send = append(send, &http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	return send
}
