package web

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// Line is one header of an answer: its canonical name, and a value of visible ASCII and blanks.
type Line struct{ Name, Value string }

var errLine = errors.New("web: character not allowed in a header")

// answerLines is Lines. Through net/http each header costs more than a whole question to Redis: it is put into a map, the map is
// cloned, sorted and checked. On a connection of ours the lines are written as they are, behind the status line that net/http
// writes with everything else. The answer is the same, but for the order of its headers.
func answerLines(w http.ResponseWriter, r *http.Request, lines []Line) error {
	for _, l := range lines {
		if !visible(l.Value) {
			return &Error{Status: http.StatusInternalServerError, Code: "internal", Err: errLine}
		}
	}
	if q := recordOf(r.Context()); q != nil {
		q.lines = lines
		return nil
	}
	setLines(w.Header(), lines)
	w.WriteHeader(http.StatusOK)
	return nil
}

func setLines(h http.Header, lines []Line) {
	for _, l := range lines {
		h[l.Name] = []string{l.Value}
	}
}

// sendLines answers by Lines once nothing can go wrong any more.
func (q *record) sendLines() {
	q.status = http.StatusOK
	if q.conn == nil || q.dressed {
		setLines(q.Header(), q.lines)
	} else {
		b := append(append(q.conn.block[:0], statusLine...), q.mux.block...)
		b = appendLine(b, "X-Request-Id", q.id)
		for _, l := range q.lines {
			b = appendLine(b, l.Name, l.Value)
		}
		q.conn.block, q.conn.armed = b, true
	}
	q.ResponseWriter.WriteHeader(http.StatusOK)
}

func visible(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func appendLine(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// ownListener gives out connections of ours.
type ownListener struct{ net.Listener }

// Accept implements net.Listener.
func (l ownListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return &conn{TCPConn: tcp}, nil
	}
	return c, err
}

// conn is a connection that can put lines behind the next status line. One request is answered at a time, and what is written
// between two of them is nothing.
type conn struct {
	*net.TCPConn
	block []byte // status and header lines; its memory serves the whole connection
	armed bool
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}

var errStatusLine = errors.New("web: no status line to put headers behind")

// statusLine is what net/http begins with; the version is the browser's.
const statusLine = "HTTP/1.x 200 OK\r\n"

// Write implements net.Conn. Where no status line begins, nothing is sent: net/http then gives the connection up.
func (c *conn) Write(p []byte) (int, error) {
	if !c.armed {
		return c.TCPConn.Write(p)
	}
	c.armed = false
	n, version := len(statusLine), len("HTTP/1.")
	if len(p) < n || string(p[:version]) != statusLine[:version] || string(p[version+1:n]) != statusLine[version+1:] {
		return 0, errStatusLine
	}
	copy(c.block, p[:n])
	c.block = append(c.block, p[n:]...)
	if _, err := c.TCPConn.Write(c.block); err != nil {
		return 0, err
	}
	return len(p), nil
}
