// Command bench measures ssogate against baselines in one alternated run and prints ratios of processor time. Machines are
// noisy and differ; a ratio between two things that were measured turn by turn in the same run is the same everywhere.
//
//	go run ./bench            prints a table and writes bench/report.json
//	go run ./bench -strict    exits 1 when a goal is not met
//	go run ./bench -short     takes less than a minute; its ratios are rough
//
// Functions (library.go) run in this process, a slice each per round, and getrusage says what
// they cost, garbage collection included. Servers (servers.go) are processes of their own: the real `ssogate serve` over a real
// Redis, and beside it a bare Go handler that makes one Redis GET; the load comes from this process, and only the servers'
// processor time counts. Memory (memory.go) is that of the gateway over many domains and with many logins under way; hostile
// requests (hostile.go) are weighed one by one; and logins beside a provider that hangs (hung.go) are timed. Linux only: times and
// memory are read from /proc.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"time"
)

// options of a run.
type options struct {
	out      string
	strict   bool
	rounds   int           // of functions; servers take a third
	slice    time.Duration // of processor time per function and round
	requests int           // per server and round
	logins   int           // per round
	domains  int           // of a large installation
	inFlight int           // logins that are begun and not ended
	only     string        // a group of measurements; empty means all
}

func main() {
	if addr := os.Getenv(bareEnv); addr != "" {
		fail(serveBare(addr, os.Stdout))
		return
	}
	o := options{}
	flag.StringVar(&o.out, "out", "bench/report.json", "where the report is written")
	flag.BoolVar(&o.strict, "strict", false, "exit 1 when a goal is not met")
	flag.IntVar(&o.rounds, "rounds", 15, "how often the measured things take turns")
	flag.DurationVar(&o.slice, "slice", 80*time.Millisecond, "processor time per function and round")
	flag.IntVar(&o.requests, "requests", 20_000, "requests per server and round")
	flag.IntVar(&o.logins, "logins", 400, "logins per round")
	flag.IntVar(&o.domains, "domains", 10_000, "domains of a large installation")
	flag.IntVar(&o.inFlight, "inflight", 10_000, "logins that are begun and not ended")
	flag.StringVar(&o.only, "only", "", "measure one group: functions, servers, memory, hostile or hung")
	short := flag.Bool("short", false, "a look at everything in less than a minute; ratios are rough")
	flag.Parse()
	if *short {
		o.rounds, o.slice, o.requests, o.logins, o.domains, o.inFlight = 5, 20*time.Millisecond, 4000, 100, 500, 1000
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	met, err := run(ctx, o, os.Stdout)
	fail(err)
	if o.strict && !met {
		os.Exit(1)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

// group is what is measured together, in one alternated run.
type group struct {
	name    string
	measure func(context.Context, options) (results, error)
}

func groups() []group {
	return []group{{"functions", measureFunctions}, {"servers", measureServers}, {"memory", measureMemory}, {"hostile", measureHostile}, {"hung", measureHung}}
}

func measureFunctions(ctx context.Context, o options) (results, error) {
	tasks, err := libraryTasks()
	if err != nil {
		return nil, err
	}
	return alternate(ctx, tasks, o.rounds, o.slice)
}

// run measures everything, prints the table, writes the report and says whether every goal is met.
func run(ctx context.Context, o options, w io.Writer) (met bool, err error) {
	all := fixed()
	for _, g := range groups() {
		if o.only != "" && o.only != g.name {
			continue
		}
		measured, err := g.measure(ctx, o)
		if err != nil {
			return false, err
		}
		maps.Copy(all, measured)
	}
	lines, err := judge(all, o.only != "")
	if err != nil {
		return false, err
	}
	table(w, lines)
	report, err := json.MarshalIndent(lines, "", "  ")
	if err != nil {
		return false, fmt.Errorf("bench: report: %w", err)
	}
	if err := os.WriteFile(o.out, append(report, '\n'), 0o644); err != nil {
		return false, fmt.Errorf("bench: report: %w", err)
	}
	met = true
	for _, l := range lines {
		met = met && l.OK
	}
	return met, nil
}
