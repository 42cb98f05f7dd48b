package sso

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ssogate/ssogate/audit"
)

// metrics count logins. Labels are few and bounded: never a domain, never a person.
type metrics struct {
	attempts *prometheus.CounterVec
	took     *prometheus.HistogramVec
	rate     *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ssogate_login_attempts_total", Help: "Sign-in attempts by protocol, result and reason.",
		}, []string{"protocol", "result", "reason"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ssogate_login_duration_seconds", Help: "From login start to verdict, the person's time at the identity provider included.",
			Buckets: []float64{.5, 1, 2, 5, 10, 30, 60, 300, 1800},
		}, []string{"protocol"}),
		rate: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ssogate_rate_limited_total", Help: "Requests refused by a rate limit.",
		}, []string{"rule"}),
	}
	r.MustRegister(m.attempts, m.took, m.rate)
	return m
}

func (m *metrics) started(protocol string) {
	m.attempts.WithLabelValues(protocol, string(audit.Started), "").Inc()
}

func (m *metrics) ended(a audit.Attempt) {
	m.attempts.WithLabelValues(a.Protocol, string(a.Verdict), a.Code).Inc()
	m.took.WithLabelValues(a.Protocol).Observe(a.Finished.Sub(a.Started).Seconds())
}

func (m *metrics) limited(rule string) { m.rate.WithLabelValues(rule).Inc() }
