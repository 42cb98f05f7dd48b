package session

import (
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	keptMost = 50_000          // keys
	keptAge  = 5 * time.Second // after which a value is asked for again, whatever was heard
	// keptHeard is how long ago the server must have been heard of at most. What it said before its last answer has been heard as
	// well, so a value is never older than that, even when the network swallows everything.
	keptHeard = 100 * time.Millisecond
)

// kept are values that Redis has promised to call back when they change (client-side caching; watch.go listens). It is shut, and
// everything forgotten, whenever the promise may have been broken: then every question goes to Redis.
type kept struct {
	prefix string // of the keys that the promise is about
	now    func() time.Time
	age    time.Duration // keptAge

	mu     sync.Mutex
	values map[string]*value // nil while shut
	heard  time.Time         // when the newest question was asked that the listening connection has answered
}

// value is a place in kept. It is taken before Redis is asked: whatever is called back from then on takes it away again, and an
// answer only goes into a place that is still there.
type value struct {
	text
	since time.Time // zero: not answered yet
}

// read returns the values from here, if all of them are, or asks.
func (k *kept) read(keys []string, ask func() ([]text, error)) ([]text, error) {
	texts, places := k.look(keys)
	if texts != nil {
		return texts, nil
	}
	asked := k.now()
	texts, err := ask()
	k.fill(keys, places, texts, asked)
	return texts, err
}

// look returns all values, or else a place for each key, or neither while it is shut.
func (k *kept) look(keys []string) ([]text, []*value) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values == nil || now.Sub(k.heard) > keptHeard {
		return nil, nil
	}
	texts := make([]text, len(keys))
	for i, key := range keys {
		v := k.values[key]
		if v == nil || v.since.IsZero() || now.Sub(v.since) > k.age {
			return nil, k.places(keys, now)
		}
		texts[i] = v.text
	}
	return texts, nil
}

// places takes a place for each key. One that another question waits for is shared: nothing was called back since it was taken.
func (k *kept) places(keys []string, now time.Time) []*value {
	if slices.ContainsFunc(keys, func(key string) bool { return !strings.HasPrefix(key, k.prefix) }) {
		return nil
	}
	places := make([]*value, len(keys))
	for i, key := range keys {
		v := k.values[key]
		if v == nil || !v.since.IsZero() && now.Sub(v.since) > k.age {
			k.makeRoom()
			v = &value{}
			k.values[key] = v
		}
		places[i] = v
	}
	return places
}

// makeRoom forgets any few when there are too many.
func (k *kept) makeRoom() {
	if len(k.values) < keptMost {
		return
	}
	few := keptMost / 8
	for key := range k.values {
		if few--; few < 0 {
			return
		}
		delete(k.values, key)
	}
}

// fill puts answers into the places that are still there. A check whose first key is missing leaves nothing behind: anybody can
// think of cookies.
func (k *kept) fill(keys []string, places []*value, texts []text, asked time.Time) {
	if places == nil {
		return
	}
	useful := len(texts) == len(keys) && texts[0].there
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, key := range keys {
		switch {
		case k.values[key] != places[i] || !places[i].since.IsZero():
		case useful:
			places[i].text, places[i].since = texts[i], asked
		default:
			delete(k.values, key)
		}
	}
}

// forget takes keys away. A nil kept has none.
func (k *kept) forget(keys ...string) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range keys {
		delete(k.values, key)
	}
}

// open begins to keep: from the given time on everything is called back.
func (k *kept) open(heard time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values, k.heard = map[string]*value{}, heard
}

// hear notes that a question asked then was answered.
func (k *kept) hear(asked time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if asked.After(k.heard) {
		k.heard = asked
	}
}

// silence is how long nothing was heard.
func (k *kept) silence() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now().Sub(k.heard)
}

// shut forgets everything and keeps nothing until it is opened.
func (k *kept) shut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values = nil
}
