package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/config"
	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/service"
	"github.com/ssogate/ssogate/session"
	"github.com/ssogate/ssogate/sso"
	"github.com/ssogate/ssogate/store"
	"github.com/ssogate/ssogate/web"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway until it is told to stop (SIGTERM drains)",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := a.load()
			if err != nil {
				return err
			}
			s, err := openServer(c.Context(), conf, forPeople, newLog(conf.Log, c.ErrOrStderr()))
			if err != nil {
				return err
			}
			return s.Run(c.Context())
		},
	}
}

// server is a running gateway.
type server struct {
	*node
	state    session.State
	sessions *session.Manager
	attempts *audit.Recorder
	gateway  *sso.Gateway
	mux      *web.Mux
	metrics  *prometheus.Registry
	listener net.Listener
	operator net.Listener // nil when off
	draining atomic.Bool
}

// openServer opens everything and listens; nothing is served yet.
func openServer(ctx context.Context, conf *config.Config, patience store.Options, log *slog.Logger) (*server, error) {
	n, err := openNode(ctx, conf, patience, log)
	if err != nil {
		return nil, err
	}
	s := &server{node: n, metrics: prometheus.NewRegistry()}
	if s.state, err = n.openState(ctx); err != nil {
		n.Close()
		return nil, err
	}
	if err := trustworthy(ctx, s.state, log); err != nil {
		s.state.Close()
		n.Close()
		return nil, err
	}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.sessions = n.sessions(s.state)
	s.attempts = audit.NewRecorder(audit.RecorderOptions{Trace: n.store, Log: log, Now: n.now})
	s.gateway = n.gateway(s.state, s.sessions, s.attempts, s.metrics)
	n.directory.EndSessions = func(ctx context.Context, r directory.Revocation) error {
		return s.sessions.RaiseGeneration(ctx, r.DomainID, r.MemberID, r.Generation)
	}
	s.mux = s.routes()
	if err := s.listen(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// trustworthy refuses a Redis that answers and may forget what must not be forgotten (security.md section 4.2). One that does
// not answer yet is waited for by every request: the gateway may start first.
func trustworthy(ctx context.Context, state session.State, log *slog.Logger) error {
	if err := state.Ping(ctx); err != nil {
		log.Warn("session state does not answer yet", "err", err)
		return nil
	}
	for _, f := range session.Check(ctx, state) {
		if f.Fault {
			return errors.New(f.Text)
		}
		log.Info(f.Text)
	}
	return nil
}

func (s *server) listen() (err error) {
	if s.listener, err = net.Listen("tcp", s.conf.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if s.conf.OperatorListen == "off" {
		return nil
	}
	if s.operator, err = net.Listen("tcp", s.conf.OperatorListen); err != nil {
		s.listener.Close()
		return fmt.Errorf("operator_listen: %w", err)
	}
	return nil
}

// routes is the whole public surface. Each room names the guards of its routes.
func (s *server) routes() *web.Mux {
	m := web.NewMux(web.Options{
		PublicURL: s.conf.PublicURL, ExtraHosts: s.conf.ExtraHosts, TrustedProxies: s.conf.TrustedProxies,
		Log: s.log, Now: s.now, Observe: observer(s.metrics),
	})
	m.HandleStatic()
	s.gateway.Routes(m)
	service.New(service.Options{
		PublicURL: s.conf.PublicURL, Sessions: s.sessions, Signer: s.signer(), AlwaysJWT: s.conf.Identity.JWT,
		Judge: s.gateway.Judge, Log: s.log,
	}).Routes(m)
	m.HandleHealth(s.ready)
	return m
}

func (s *server) signer() *service.Signer {
	audience := s.conf.Identity.Audience
	if audience == "" {
		audience = s.conf.PublicURL.String()
	}
	return &service.Signer{
		Issuer: s.conf.PublicURL.String(), Audience: audience, Life: s.conf.Identity.JWTLife, Now: s.now,
		Keys: func(ctx context.Context) ([]service.Key, error) {
			keys, err := s.keys().Identity(ctx)
			out := make([]service.Key, len(keys))
			for i, k := range keys {
				out[i] = service.Key(k)
			}
			return out, err
		},
	}
}

// ready says what is missing for serving: an empty answer is good.
func (s *server) ready(ctx context.Context) map[string]error {
	faults := map[string]error{}
	if s.draining.Load() {
		faults["draining"] = errors.New("this node is being stopped")
	}
	var wait sync.WaitGroup
	var redis, database error
	wait.Go(func() { redis = s.sessions.Ready(ctx) })
	wait.Go(func() { database = s.store.Ping(ctx) })
	wait.Wait()
	faults["redis"], faults["database"] = redis, database
	return faults
}

// Run serves until ctx ends, then drains: readiness turns false, requests under way are finished.
func (s *server) Run(ctx context.Context) error {
	defer s.close()
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { s.gateway.Refresher().Run(work, s.conf.SAML.MetadataRefresh) })
	background.Go(func() { s.sessions.Follow(work, 0, 0, s.readGenerations) })
	defer background.Wait()
	defer stop()

	operatorDone := make(chan error, 1)
	if s.operator != nil {
		s.log.Info("operator listener", "address", s.operator.Addr().String())
		go func() {
			operatorDone <- web.Serve(work, web.NewServer("", s.operatorHandler(), s.log), s.operator, time.Second)
		}()
	} else {
		operatorDone <- nil
	}
	s.log.Info("serving", "address", s.listener.Addr().String(), "public_url", s.conf.PublicURL.String(), "version", version)
	err := web.Serve(s.afterDrainWait(ctx), web.NewServer("", s.mux, s.log), s.listener, s.conf.Limits.Drain)
	stop()
	return errors.Join(err, <-operatorDone)
}

// afterDrainWait ends some time after ctx: in between readiness is false and requests are still answered, so that a load
// balancer that looks every few seconds sends nobody to a closed door.
func (s *server) afterDrainWait(ctx context.Context) context.Context {
	late, stop := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		s.draining.Store(true)
		time.AfterFunc(s.conf.Limits.DrainWait, stop)
	})
	return late
}

func (s *server) readGenerations(ctx context.Context, after int64, limit int) ([]session.Generation, error) {
	revocations, err := s.directory.Revocations(ctx, after, limit)
	out := make([]session.Generation, len(revocations))
	for i, r := range revocations {
		out[i] = session.Generation{Seq: r.Seq, DomainID: r.DomainID, MemberID: r.MemberID, Generation: r.Generation}
	}
	return out, err
}

// operatorHandler is what only the operator's network sees.
func (s *server) operatorHandler() http.Handler {
	m := http.NewServeMux()
	health := web.Health(s.ready)
	m.Handle("GET /healthz", health)
	m.Handle("GET /readyz", health)
	m.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	return m
}

func (s *server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.attempts.Close(ctx); err != nil {
		s.log.Warn("some sign-in attempts were not stored", "err", err)
	}
	s.state.Close()
	s.node.Close()
}

// observer counts requests by route pattern and status class.
func observer(r prometheus.Registerer) func(route string, status int, took time.Duration) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ssogate_http_requests_total", Help: "Answered requests by route and status.",
	}, []string{"route", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ssogate_http_request_duration_seconds", Help: "Time to answer by route.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"route"})
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ssogate_build_info", Help: "1, with the version."}, []string{"version"})
	r.MustRegister(requests, seconds, info)
	info.WithLabelValues(version).Set(1)
	children := &labelled{requests: requests, seconds: seconds}
	return func(route string, status int, took time.Duration) {
		c := children.of(route, status)
		c.count.Inc()
		c.seconds.Observe(took.Seconds())
	}
}
