// Mutate removes the refusals of a package, one at a time, and runs the package's tests each time: a refusal that can go
// without a test turning red is not tested. It prints those, and the share that tests noticed, and exits with 1 when that is
// below -min.
//
//	mutate [flags] ./saml ./oauth
//
// All removals are compiled into one test binary (by an overlay: no file is changed) and switched on by an environment
// variable, so a mutant costs one run of the tests and no build. What counts as a refusal is told in sites.go. A removal that
// changes nothing is listed with its reason in the file -equivalent and not run.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"time"
)

type options struct {
	file       *regexp.Regexp
	parallel   int
	limit      time.Duration
	list       bool
	equivalent map[string]string // site → reason
}

func main() {
	var o options
	file := flag.String("file", "", "only files whose name matches this expression")
	known := flag.String("equivalent", "", "file of removals that change nothing, each with its reason")
	least := flag.Float64("min", 95, "per cent that must turn a test red")
	flag.IntVar(&o.parallel, "parallel", max(1, runtime.NumCPU()/2), "runs at once")
	flag.DurationVar(&o.limit, "limit", 2*time.Minute, "time limit of one run; a run that takes longer counts as red")
	flag.BoolVar(&o.list, "list", false, "only print what would be removed")
	flag.Parse()
	var err error
	o.file, err = regexp.Compile(*file)
	if err != nil {
		fail(err)
	}
	o.equivalent, err = readEquivalents(*known)
	if err != nil {
		fail(err)
	}
	var all tally
	for _, folder := range flag.Args() {
		t, err := judge(folder, o)
		if err != nil {
			fail(err)
		}
		fmt.Printf("%s: %s\n", folder, t)
		all = all.plus(t)
	}
	if o.list {
		return
	}
	if len(flag.Args()) > 1 {
		fmt.Println("together:", all)
	}
	if all.red+all.green == 0 || all.percent() < *least {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "mutate:", err)
	os.Exit(2)
}

// tally counts removals: those that turned a test red, those that did not, and those known to change nothing.
type tally struct{ red, green, equivalent int }

func (t tally) plus(u tally) tally {
	return tally{t.red + u.red, t.green + u.green, t.equivalent + u.equivalent}
}

func (t tally) percent() float64 { return 100 * float64(t.red) / float64(max(1, t.red+t.green)) }

func (t tally) String() string {
	return fmt.Sprintf("%d of %d refusals are tested (%.1f %%), %d removals change nothing", t.red, t.red+t.green, t.percent(), t.equivalent)
}
