package web

import (
	"errors"
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
