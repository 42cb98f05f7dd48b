package main

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// labelled keeps the counters of each route and status once they were looked up: putting labels together for every request costs
// more than counting. Routes are patterns of ours, so there are few.
type labelled struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	known  atomic.Pointer[map[label]counted]
	adding sync.Mutex
}

type label struct {
	route  string
	status int
}

type counted struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

func (l *labelled) of(route string, status int) counted {
	if known := l.known.Load(); known != nil {
		if c, ok := (*known)[label{route, status}]; ok {
			return c
		}
	}
	l.adding.Lock()
	defer l.adding.Unlock()
	more := map[label]counted{}
	if known := l.known.Load(); known != nil {
		maps.Copy(more, *known)
	}
	c := counted{l.requests.WithLabelValues(route, strconv.Itoa(status)), l.seconds.WithLabelValues(route)}
	more[label{route, status}] = c
	l.known.Store(&more)
	return c
}
