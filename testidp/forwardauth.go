package testidp

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// hopHeaders concern one connection only (RFC 9110 section 7.6.1).
var hopHeaders = [...]string{"Connection", "Keep-Alive", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Proxy-Authenticate", "Proxy-Authorization"}

const verifyLimit = 5 * time.Second

// ForwardAuth is the least of a reverse proxy with forward-auth, in front of a backend: for the demo, in the place of nginx or
// Traefik. Each request is first asked about at verifyURL; with 2xx it goes on to the backend with the identity headers of that
// answer and none of the browser's; every other answer goes to the browser as it is. When verifyURL does not answer, 502.
func ForwardAuth(verifyURL string, backend http.Handler) http.Handler {
	client := &http.Client{
		Timeout:   verifyLimit,
		Transport: &http.Transport{DisableKeepAlives: true}, // a handler has no Close in which idle connections could end
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, err := verification(r.Context(), verifyURL, r)
		if err != nil {
			http.Error(w, "forward-auth: question", http.StatusBadGateway)
			return
		}
		verdict, err := client.Do(question)
		if err != nil {
			http.Error(w, "forward-auth: no answer", http.StatusBadGateway)
			return
		}
		defer verdict.Body.Close()
		if verdict.StatusCode < 200 || verdict.StatusCode > 299 {
			passOn(w, verdict)
			return
		}
		admitted := r.Clone(r.Context())
		setIdentity(admitted.Header, verdict.Header)
		backend.ServeHTTP(w, admitted)
	})
}

// verification is the question of Traefik's forwardAuth: a GET with the browser's headers and X-Forwarded-* about the request.
func verification(ctx context.Context, verifyURL string, r *http.Request) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, verifyURL, nil)
	if err != nil {
		return nil, err
	}
	q.Header = r.Header.Clone()
	for name := range q.Header {
		forwarded := strings.HasPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "x-forwarded-")
		if forwarded || isIdentity(name) || strings.HasPrefix(name, "Content-") {
			delete(q.Header, name)
		}
	}
	for _, name := range hopHeaders {
		q.Header.Del(name)
	}
	proto := "http"
	if r.TLS != nil {
		proto = "https"
	}
	q.Header.Set("X-Forwarded-Method", r.Method)
	q.Header.Set("X-Forwarded-Proto", proto)
	q.Header.Set("X-Forwarded-Host", r.Host)
	q.Header.Set("X-Forwarded-Uri", r.URL.RequestURI())
	if address, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		q.Header.Set("X-Forwarded-For", address)
	}
	return q, nil
}

// setIdentity replaces whatever the browser claims to be by what the verdict says.
func setIdentity(request, verdict http.Header) {
	for name := range request {
		if isIdentity(name) {
			delete(request, name)
		}
	}
	for name, values := range verdict {
		if isIdentity(name) {
			request[name] = values
		}
	}
}

// passOn gives a refusal or a redirect to the browser.
func passOn(w http.ResponseWriter, verdict *http.Response) {
	const maxBody = 64 << 10
	for name, values := range verdict.Header {
		if !isIdentity(name) {
			w.Header()[name] = values
		}
	}
	for _, name := range append(hopHeaders[:], "Content-Length") {
		w.Header().Del(name)
	}
	w.WriteHeader(verdict.StatusCode)
	io.Copy(w, io.LimitReader(verdict.Body, maxBody))
}
