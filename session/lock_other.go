//go:build !unix

package session

import (
	"errors"
	"os"
)

// lockFile cannot promise that the process is alone: refused rather than risked.
func lockFile(string) (*os.File, error) {
	return nil, errors.New("session: embedded state needs a Unix system; use redis")
}
