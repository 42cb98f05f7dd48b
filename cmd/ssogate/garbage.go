package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// garbageAllowed is how much garbage may gather before it is collected, where that is more than Go would wait for by itself:
	// the heap of the gateway is some megabytes, and twice that is reached many times a second under load.
	garbageAllowed = 32 << 20
	mostGarbage    = 800 // GOGC, where next to nothing lives
)

// spareCollector keeps the collector from running more often than its work is worth: the heap grows to what lives plus
// garbageAllowed, or to twice what lives if that is more. GOGC in the environment takes precedence.
func spareCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(garbagePercent(liveHeap()))
	awaitCollection()
}

// awaitCollection adjusts after each collection, which is when what lived then becomes known.
func awaitCollection() {
	type sign struct{ _ *int } // with a pointer, so that it shares its memory with nothing else
	runtime.AddCleanup(&sign{}, func(struct{}) {
		debug.SetGCPercent(garbagePercent(liveHeap()))
		awaitCollection()
	}, struct{}{})
}

// garbagePercent is GOGC for so many living bytes.
func garbagePercent(live uint64) int {
	return int(min(max(100, garbageAllowed*100/max(live, 1)), mostGarbage))
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
