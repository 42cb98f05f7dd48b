package chaos_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// raw sends requests by hand over one connection to the balancer, with pauses in which a connection may be closed, and says what
// came back. A connection that was closed in a pause is opened anew, as browsers do.
func (w *town) raw(v *visitor, proto string, requests int, pause time.Duration) (string, error) {
	var answers []string
	var c net.Conn
	opened := 0
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for range requests {
		status, closes, err := 0, true, error(nil)
		for range 2 {
			if c == nil {
				if c, err = net.Dial("tcp", strings.TrimPrefix(w.url, "http://")); err != nil {
					return "", err
				}
				opened++
			}
			if status, closes, err = w.rawRequest(c, v, proto); err == nil {
				break
			}
			c.Close()
			c = nil
		}
		if err != nil {
			return "", err
		}
		if status != http.StatusOK {
			return "", fmt.Errorf("a living session is answered %d", status)
		}
		answers = append(answers, fmt.Sprint(status))
		if closes {
			c.Close()
			c = nil
		}
		rest(w.t.Context(), pause)
	}
	return fmt.Sprintf("%s over %d connections", strings.Join(answers, ", "), opened), nil
}

func (w *town) rawRequest(c net.Conn, v *visitor, proto string) (status int, closes bool, err error) {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = fmt.Fprintf(c, "GET /auth/verify %s\r\nHost: %s\r\nCookie: %s=%s\r\n\r\n", proto, strings.TrimPrefix(w.url, "http://"),
		sessionName, v.Cookie(host, sessionName))
	if err != nil {
		return 0, true, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, true, err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Close || proto == "HTTP/1.0", nil
}
