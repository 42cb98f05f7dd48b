package config

import (
	"fmt"
	"sort"
	"strings"
)

// Fault is one thing that is wrong. Line is that of the file, 0 when the fault is not in it (environment, defaults). Path is
// the key ("redis.mode") or the environment variable. Messages never hold the value of a secret.
type Fault struct {
	Line    int
	Path    string
	Message string
}

// Faults is everything that is wrong, in the order of the file.
type Faults []Fault

// Error has one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = "config: " + fault.String()
	}
	return strings.Join(lines, "\n")
}

// String is "line 3: redis.mode: message".
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	return b.String() + f.Message
}

// sorted puts faults of the file first, by line.
func (f Faults) sorted() Faults {
	sort.SliceStable(f, func(i, j int) bool {
		if (f[i].Line == 0) != (f[j].Line == 0) {
			return f[j].Line == 0
		}
		return f[i].Line < f[j].Line
	})
	return f
}
