package outbound

import "sync"

// slots counts the calls under way for each key. A key without calls is not in the map, so 10,000 domains cost nothing.
type slots struct {
	mu   sync.Mutex
	most int
	used map[string]int
}

func newSlots(most int) *slots { return &slots{most: most, used: map[string]int{}} }

func (s *slots) take(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[key] >= s.most {
		return false
	}
	s.used[key]++
	return true
}

func (s *slots) give(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used[key]--; s.used[key] <= 0 {
		delete(s.used, key)
	}
}
