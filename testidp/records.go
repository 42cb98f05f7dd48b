package testidp

import (
	"bytes"
	"net/http"
	"net/url"
	"sync"
)

// Request is one request as it came in.
type Request struct {
	Endpoint string // the path, for example "/token"
	Method   string
	Query    string // raw
	Header   http.Header
	Form     url.Values    // query and body
	XML      []byte        // of a SAMLRequest, decoded
	Authn    *AuthnRequest // when it was accepted
}

// Response is one answer as it went out.
type Response struct {
	Endpoint string
	Status   int
	Header   http.Header
	Body     []byte // the first MiB
	XML      []byte // the SAML response that the form carries, as sent
}

// records counts and keeps what came and went, newest only.
type records struct {
	mu       sync.Mutex
	counts   map[string]int
	request  map[string]Request
	response map[string]Response
}

const maxRecorded = 1 << 20

// Count says how many requests an endpoint ("/token", "/saml/sso", …) has seen.
func (p *Provider) Count(endpoint string) int {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.counts[endpoint]
}

// LastRequest returns the newest request of an endpoint; "" means of all.
func (p *Provider) LastRequest(endpoint string) Request {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.request[endpoint]
}

// LastResponse returns the newest finished answer of an endpoint; "" means of all.
func (p *Provider) LastResponse(endpoint string) Response {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.response[endpoint]
}

// recorder sits between a handler and the network.
type recorder struct {
	http.ResponseWriter
	status  int
	body    bytes.Buffer
	xml     []byte
	request Request
}

// Unwrap lets http.ResponseController flush and hijack.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.body.Write(b[:min(len(b), maxRecorded-w.body.Len())])
	return w.ResponseWriter.Write(b)
}

// ServeHTTP reads the form, counts, records and routes.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "testidp: form", http.StatusBadRequest)
		return
	}
	path := "unknown" // what has no route is counted together
	if _, pattern := p.mux.Handler(r); pattern != "" {
		path = r.URL.Path
	}
	rec := &recorder{ResponseWriter: w}
	rec.request = Request{Endpoint: path, Method: r.Method, Query: r.URL.RawQuery, Header: r.Header.Clone(), Form: r.Form}
	p.log.came(rec.request, 1)
	p.mux.ServeHTTP(rec, r)
	p.log.went(Response{Endpoint: path, Status: rec.status, Header: rec.Header().Clone(), Body: rec.body.Bytes(), XML: rec.xml})
	p.o.Log.Debug("testidp", "method", r.Method, "path", path, "status", rec.status)
}

// noteRequest adds what a handler found in the request.
func (p *Provider) noteRequest(w http.ResponseWriter, xml []byte, authn *AuthnRequest) {
	if rec, ok := w.(*recorder); ok {
		rec.request.XML, rec.request.Authn = xml, authn
		p.log.came(rec.request, 0)
	}
}

// noteResponse adds the SAML response that a page carries.
func noteResponse(w http.ResponseWriter, xml []byte) {
	if rec, ok := w.(*recorder); ok {
		rec.xml = xml
	}
}

func (l *records) came(r Request, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts, l.request, l.response = map[string]int{}, map[string]Request{}, map[string]Response{}
	}
	l.counts[r.Endpoint] += n
	l.request[r.Endpoint], l.request[""] = r, r
}

func (l *records) went(r Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.response[r.Endpoint], l.response[""] = r, r
}
