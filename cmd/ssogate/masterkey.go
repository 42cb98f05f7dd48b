package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/ssogate/ssogate/config"
)

// masterKey is the key that seals secrets: the configured one, or the one in the data folder, which is made when it is
// missing. A made key is as good as a configured one, but it lies beside the database that it protects.
func masterKey(conf *config.Config, log *slog.Logger) (string, error) {
	if conf.Keys.Current != "" {
		return conf.Keys.Current, nil
	}
	path := filepath.Join(conf.DataDir, "master.key")
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keys: %w", err)
	}
	if err := os.MkdirAll(conf.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("data_dir: %w", err)
	}
	var key [32]byte
	rand.Read(key[:])
	made := base64.StdEncoding.EncodeToString(key[:])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return masterKey(conf, log)
	}
	if err != nil {
		return "", fmt.Errorf("keys: %w", err)
	}
	_, err = f.WriteString(made + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("keys: %w", err)
	}
	log.Info("made a key that seals secrets; back it up apart from the database", "path", path)
	return made, nil
}
