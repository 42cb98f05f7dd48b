package web

import (
	"context"
	"errors"
	"net"
	"time"
)

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
	until time.Time // write deadline
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

// SetWriteDeadline implements net.Conn. Moving a timer costs more than it is worth for less than a second: the deadline of the
// request before then stands.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if later := t.Sub(c.until); !t.IsZero() && later >= 0 && later < time.Second {
		return nil
	}
	c.until = t
	return c.TCPConn.SetWriteDeadline(t)
}
