package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// NewServer is an http.Server whose time and size limits hold against slow and endless senders (security.md 4.3, fault 19).
// What net/http says of broken connections goes to the log at level debug: strangers cause it at will.
func NewServer(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnContext:       withConn,
	}
}

// Serve answers on l until ctx ends; then it takes no new connections, and requests under way have drain to finish. Those
// that are not done by then are cut, which is an error. It returns when all of that is over.
func Serve(ctx context.Context, s *http.Server, l net.Listener, drain time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ownListener{l}) }()
	select {
	case err := <-failed:
		return fmt.Errorf("web: serve: %w", err)
	case <-ctx.Done():
	}
	// The end of ctx must not be the end of the requests under way.
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := s.Shutdown(patience)
	if err != nil {
		err = fmt.Errorf("web: drain: requests were cut: %w", errors.Join(err, s.Close()))
	}
	<-failed
	return err
}
