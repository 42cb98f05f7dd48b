package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// costs are processor times per operation, in µs, one for each round.
type costs []float64

// results are the costs of everything that was measured, by name.
type results map[string]costs

// task is a function that is measured in this process.
type task struct {
	name string
	run  func() error
}

// alternate lets the tasks take turns. Each turn begins with an empty heap, so that nobody pays for another's garbage, and is
// long enough for a task to pay for its own.
func alternate(ctx context.Context, tasks []task, rounds int, slice time.Duration) (results, error) {
	turns := make([]int, len(tasks))
	for i, t := range tasks {
		n, err := calibrate(t, slice)
		if err != nil {
			return nil, err
		}
		turns[i] = n
	}
	all := results{}
	for range rounds {
		for i, t := range tasks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			cost, err := turn(t, turns[i])
			if err != nil {
				return nil, err
			}
			all[t.name] = append(all[t.name], cost)
		}
	}
	return all, nil
}

// calibrate finds how many operations fill a slice, and warms up on the way.
func calibrate(t task, slice time.Duration) (int, error) {
	for n := 1; ; n *= 4 {
		cost, err := turn(t, n)
		if err != nil {
			return 0, err
		}
		if spent := cost * float64(n); spent > float64(slice.Microseconds())/8 {
			return max(1, int(float64(slice.Microseconds())/cost)), nil
		}
	}
}

func turn(t task, n int) (microseconds float64, err error) {
	runtime.GC()
	before, err := ownTime()
	if err != nil {
		return 0, err
	}
	for range n {
		if err := t.run(); err != nil {
			return 0, fmt.Errorf("bench: %s: %w", t.name, err)
		}
	}
	after, err := ownTime()
	if err != nil {
		return 0, err
	}
	return float64((after - before).Nanoseconds()) / 1e3 / float64(n), nil
}

// ownTime is the processor time of all threads of this process, in user and system mode.
func ownTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("bench: getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// timeOf is the same for another process: the sum over its threads of the first field of schedstat, in nanoseconds (Linux,
// Documentation/scheduler/sched-stats). /proc/<pid>/stat would know only hundredths of a second.
func timeOf(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("bench: processor time of %d: no schedstat", pid)
	}
	var total time.Duration
	for _, thread := range threads {
		raw, err := os.ReadFile(thread)
		if errors.Is(err, os.ErrNotExist) {
			continue // a thread that has just ended
		}
		if err != nil {
			return 0, fmt.Errorf("bench: processor time: %w", err)
		}
		first, _, _ := strings.Cut(string(raw), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("bench: processor time: %w", err)
		}
		total += time.Duration(ns)
	}
	return total, nil
}
