package web

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// readyTime is how long the parts may take to say how they are.
const readyTime = 2 * time.Second

// Health answers /healthz and /livez (200 as long as the process runs) and /readyz (200, or 503 with the names of the parts
// that fail) for the operators' own listener. With ?verbose, /readyz tells every part and its error, so it does not belong
// where strangers reach it: there, use HandleHealth. ready returns each part with its error, nil for a part that works.
func Health(ready func(ctx context.Context) map[string]error) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"GET /healthz", "GET /livez"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { _ = alive(w, r) })
	}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		_ = readiness(w, r, ready, r.URL.Query().Has("verbose"))
	})
	return mux
}

// HandleHealth registers GET /healthz and GET /readyz as public; /readyz names the parts that fail and says no more.
func (m *Mux) HandleHealth(ready func(ctx context.Context) map[string]error) {
	m.Handle("GET /healthz", Public, 0, alive)
	m.Handle("GET /readyz", Public, 0, func(w http.ResponseWriter, r *http.Request) error {
		return readiness(w, r, ready, false)
	})
}

func alive(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
	return nil
}

func readiness(w http.ResponseWriter, r *http.Request, ready func(ctx context.Context) map[string]error, verbose bool) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	answer := struct {
		Status  string            `json:"status"`
		Failing []string          `json:"failing,omitempty"`
		Parts   map[string]string `json:"parts,omitempty"`
	}{Status: "ok"}
	status := http.StatusOK
	for part, err := range ready(ctx) {
		said := "ok"
		if err != nil {
			said, status, answer.Status = err.Error(), http.StatusServiceUnavailable, "unavailable"
			answer.Failing = append(answer.Failing, part)
		}
		if verbose {
			if answer.Parts == nil {
				answer.Parts = map[string]string{}
			}
			answer.Parts[part] = said
		}
	}
	slices.Sort(answer.Failing)
	return writeJSON(w, status, answer)
}
