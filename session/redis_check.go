package session

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Finding is one line that `ssogate check` says about the state of sessions. A Fault must keep the service from starting.
type Finding struct {
	Fault bool
	Text  string
}

// Check asks the server behind a State what it is and whether it can be trusted with one-time marks: version, role, eviction
// policy (security.md 4.2). One that does not answer is a single Fault.
func Check(ctx context.Context, s State) []Finding {
	if checker, ok := s.(interface {
		check(context.Context) []Finding
	}); ok {
		return checker.check(ctx)
	}
	if err := s.Ping(ctx); err != nil {
		return []Finding{{Fault: true, Text: err.Error()}}
	}
	return nil
}

func (e *embedded) check(ctx context.Context) []Finding {
	if err := e.Ping(ctx); err != nil {
		return []Finding{{Fault: true, Text: err.Error()}}
	}
	return []Finding{{Text: "session: embedded state: one process only, rate counters start afresh with it; several nodes need redis"}}
}

func (r *redisState) check(ctx context.Context) []Finding {
	if err := r.Ping(ctx); err != nil {
		return []Finding{{Fault: true, Text: err.Error()}}
	}
	servers, err := r.info(ctx)
	if err != nil {
		return []Finding{{Text: "session: redis does not tell about itself (permission for INFO is missing): version, role and " +
			"eviction policy are not checked: " + err.Error()}}
	}
	var found []Finding
	for _, s := range servers {
		found = append(found, s.findings()...)
	}
	return found
}

// serverInfo is the answer of INFO, by field.
type serverInfo map[string]string

func (s serverInfo) findings() []Finding {
	found := []Finding{{Text: fmt.Sprintf("session: redis %s, %s, maxmemory-policy %s", s.or("redis_version"), s.or("role"),
		s.or("maxmemory_policy"))}}
	if major, minor := s.version(); major < 6 || major == 6 && minor < 2 {
		found = append(found, Finding{Fault: true, Text: "session: redis " + s.or("redis_version") + " is too old: want 6.2 (GETDEL)"})
	}
	if role := s["role"]; role != "" && role != "master" {
		found = append(found, Finding{Fault: true, Text: "session: redis is a " + role + ", which takes no writes: name the primary or use sentinel"})
	}
	switch policy := s["maxmemory_policy"]; policy {
	case "noeviction", "volatile-ttl", "":
	default:
		found = append(found, Finding{Fault: true, Text: "session: redis maxmemory-policy is " + policy +
			", which may drop one-time marks and generation counters: want noeviction or volatile-ttl"})
	}
	return found
}

func (s serverInfo) or(field string) string {
	if v := s[field]; v != "" {
		return v
	}
	return "unknown"
}

// version is that of Redis; a server that does not tell passes.
func (s serverInfo) version() (major, minor int) {
	parts := strings.SplitN(s["redis_version"], ".", 3)
	if len(parts) < 2 {
		return 99, 0
	}
	major, _ = strconv.Atoi(parts[0])
	minor, _ = strconv.Atoi(parts[1])
	return major, minor
}

// info asks the server, in a Cluster every primary.
func (r *redisState) info(ctx context.Context, section ...string) (servers []serverInfo, err error) {
	var mu sync.Mutex
	ask := func(ctx context.Context, c redis.Cmdable) error {
		text, err := c.Info(ctx, section...).Result()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		servers = append(servers, parseInfo(text))
		return nil
	}
	err = r.do(ctx, "info", func(ctx context.Context) error {
		if c, ok := r.client.(*redis.ClusterClient); ok {
			return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return ask(ctx, node) })
		}
		return ask(ctx, r.client)
	})
	return servers, err
}

func parseInfo(text string) serverInfo {
	s := serverInfo{}
	for line := range strings.Lines(text) {
		if field, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			s[field] = value
		}
	}
	return s
}

// serverName names the running server, or all primaries of a Cluster: another name means that one was restarted or that a replica
// took over, so that writes may be lost. A server that refuses INFO has the name "".
func (r *redisState) serverName(ctx context.Context) (string, error) {
	servers, err := r.info(ctx, "server")
	var answer redis.Error
	if errors.As(err, &answer) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(servers))
	for _, s := range servers {
		names = append(names, s["run_id"])
	}
	sort.Strings(names)
	return strings.Join(names, " "), nil
}
