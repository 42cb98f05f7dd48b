package oauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const maxAnswer = 1 << 20 // bytes of one answer, whatever the client that we were handed allows

var errTooLarge = errors.New("oauth: answer larger than 1 MiB")

// guarded is the client we were handed, with our own limits on top: no redirects (a token request must not travel on), no
// cookies, no endless body.
func guarded(h *http.Client) *http.Client {
	next := h.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	return &http.Client{Transport: capped{next}, Timeout: h.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// capped turns a body over the limit into an error; a silent cut could make another document of it.
type capped struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &cappedBody{ReadCloser: resp.Body, left: maxAnswer}
	return resp, nil
}

type cappedBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *cappedBody) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// answer is what came over HTTP, whole.
type answer struct {
	status int
	kind   string // media type without parameters
	body   []byte
}

// send makes one call, once.
func (c *client) send(r *http.Request) (answer, error) {
	r.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return answer{status: resp.StatusCode, kind: strings.ToLower(strings.TrimSpace(kind)), body: bytes.TrimSpace(body)}, nil
}

func (c *client) post(ctx context.Context, address string, form url.Values, change func(*http.Request)) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.GetBody = nil // a code is single use: nothing may be sent a second time behind our back
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(r)
	}
	return c.send(r)
}

func (c *client) get(ctx context.Context, address string, change func(*http.Request)) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	if change != nil {
		change(r)
	}
	return c.send(r)
}

// unreachable is the refusal for a call without an answer. What the error says is shown only when it declares itself public:
// an ordinary network error tells a closed port from a filtered one, and names addresses.
func unreachable(what string, err error) Refusal {
	r := Refusal{Code: codeUnreachable, Section: "security.md 2.3", Want: what + " answers", Got: "cannot be reached", Fix: AtIdentityProvider}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		r.Got = "no complete answer in time"
	}
	if errors.Is(err, errTooLarge) {
		r.Got = "answer too large"
	}
	var public interface{ Public() string }
	if errors.As(err, &public) {
		r.Got = public.Public()
	}
	var busy interface{ Busy() bool }
	if errors.As(err, &busy) && busy.Busy() {
		r.Code = codeBusy
	}
	return r
}
