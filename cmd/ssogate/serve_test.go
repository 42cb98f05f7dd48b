package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The server starts on embedded defaults, answers on both listeners, keeps a second process away, and ends with 0 when told.
func TestServe(t *testing.T) {
	addr, err := pick(0)
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"SSOGATE_PUBLIC_URL=http://" + addr, "SSOGATE_LISTEN=" + addr, "SSOGATE_OPERATOR_LISTEN=127.0.0.1:0", "SSOGATE_DATA_DIR=" + t.TempDir(),
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, log := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, environ, io.Discard, log)
		log.Close()
	}()
	addresses := map[string]string{}
	lines := bufio.NewScanner(reader)
	for len(addresses) < 2 && lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Address != "" {
			addresses[line.Msg] = line.Address
		}
	}
	go io.Copy(io.Discard, reader)
	for _, c := range []struct{ listener, path, want string }{
		{"serving", "/healthz", "ok"},
		{"serving", "/readyz", `"status":"ok"`},
		{"operator listener", "/readyz", `"status":"ok"`},
		{"operator listener", "/metrics", "ssogate_build_info"},
		{"serving", "/.well-known/jwks.json", `"alg":"ES256"`},
		{"serving", "/metrics", "404"},
	} {
		status, body := fetch(t, "http://"+addresses[c.listener]+c.path)
		if !strings.Contains(status+body, c.want) {
			t.Errorf("%s on %s: %s %s", c.path, c.listener, status, body)
		}
	}
	var text strings.Builder
	if code := run(t.Context(), []string{"serve"}, environ, io.Discard, &text); code != 1 || !strings.Contains(text.String(), "another process") {
		t.Errorf("a second process ends with %d: %s", code, text.String())
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if code := <-done; code != 0 {
		t.Errorf("ended with %d", code)
	}
}

func fetch(t *testing.T, url string) (status, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Status, string(b)
}
