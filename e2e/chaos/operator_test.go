package chaos_test

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/ssogate/ssogate/e2e"
)

// ready counts the nodes that say they are ready.
func (w *town) ready() (n int) {
	for _, node := range w.nodes {
		if w.status(node, "/readyz") == http.StatusOK {
			n++
		}
	}
	return n
}

// status is what the operator's listener of a node answers, 0 when it does not.
func (w *town) status(node *e2e.Gateway, path string) int {
	status, _ := w.operator(node, path)
	return status
}

func (w *town) operator(node *e2e.Gateway, path string) (int, string) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, node.Operator+path, nil)
	if err != nil {
		return 0, ""
	}
	resp, err := w.direct.RoundTrip(r)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

// goroutines is the highest count of a node.
func (w *town) goroutines() (most int) {
	for _, n := range w.nodes {
		_, text := w.operator(n, "/metrics")
		if m := goroutines.FindStringSubmatch(text); m != nil {
			count, _ := strconv.Atoi(m[1])
			most = max(most, count)
		}
	}
	return most
}
