package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ssogate/ssogate/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trace keeps what a store would, and fails as it is told.
type trace struct {
	audit.Trace
	mu      sync.Mutex
	batches [][]audit.Attempt
	fail    func(as []audit.Attempt) error
	wait    chan struct{} // when set, a write waits for it
	trims   []time.Time
}

func (s *trace) SaveAttempts(ctx context.Context, as []audit.Attempt) error {
	if s.wait != nil {
		select {
		case <-s.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(as); err != nil {
			return err
		}
	}
	s.batches = append(s.batches, slices.Clone(as))
	return nil
}

func (s *trace) TrimAttempts(_ context.Context, olderThan time.Time, most int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trims = append(s.trims, olderThan)
	if most != 10_000 {
		return 0, fmt.Errorf("most per domain %d", most)
	}
	return 0, nil
}

func (s *trace) setFail(f func([]audit.Attempt) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// refs are all references in the order in which they were stored.
func (s *trace) refs() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		for _, a := range b {
			out = append(out, a.Ref)
		}
	}
	return out
}

func (s *trace) sizes() (out []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		out = append(out, len(b))
	}
	return out
}

// batch is longer than a batch waits.
const batch = 101 * time.Millisecond

func save(r *audit.Recorder, from, to int) {
	for i := from; i < to; i++ {
		r.Save(audit.Attempt{Ref: fmt.Sprintf("%05d", i)})
	}
}

// pass lets time pass, that of the bubble.
func pass(d time.Duration) { <-time.After(d) }

func mustClose(t *testing.T, r *audit.Recorder) {
	t.Helper()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRecorderBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trace{}
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		save(r, 0, 3)
		pass(99 * time.Millisecond)
		synctest.Wait()
		if n := len(s.sizes()); n != 0 {
			t.Errorf("%d batches before 100 ms, want 0", n)
		}
		pass(2 * time.Millisecond)
		synctest.Wait()
		if got := s.sizes(); !slices.Equal(got, []int{3}) {
			t.Errorf("batches %v, want one of 3", got)
		}
		save(r, 10, 460)
		synctest.Wait()
		if got := len(s.refs()); got < 3+200 {
			t.Errorf("%d stored without time passing, want a full batch at once", got)
		}
		if got := slices.Max(s.sizes()); got > 200 {
			t.Errorf("a batch of %d, want at most 200", got)
		}
		mustClose(t, r)
		if got := len(s.refs()); got != 453 || r.Dropped() != 0 {
			t.Errorf("%d stored, %d dropped", got, r.Dropped())
		}
	})
}

func TestRecorderReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trace{}
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		r.Save(audit.Attempt{Ref: "A", Verdict: audit.Started})
		r.Save(audit.Attempt{Ref: "B", Verdict: audit.Started})
		r.Save(audit.Attempt{Ref: "A", Verdict: audit.Succeeded, Got: "a\x00b"})
		if r.Waiting() != 2 {
			t.Errorf("%d wait, want 2", r.Waiting())
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.batches; len(got) != 1 || got[0][0].Verdict != audit.Succeeded || got[0][0].Got != "ab" {
			t.Errorf("stored %+v, want the later record, bounded", got)
		}
		mustClose(t, r)
	})
}

func TestRecorderNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trace{wait: make(chan struct{})}
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		save(r, 0, 200)
		synctest.Wait() // the first batch is on its way and stands
		save(r, 200, 200+4096+50)
		if r.Waiting() != 4096 || r.Dropped() != 50 {
			t.Errorf("%d wait, %d dropped, want 4096 and 50", r.Waiting(), r.Dropped())
		}
		close(s.wait)
		mustClose(t, r)
		refs := s.refs()
		if refs[0] != "00000" || refs[200] != "00250" || refs[len(refs)-1] != "04345" {
			t.Errorf("stored %s … %s … %s, want the oldest that waited dropped", refs[0], refs[200], refs[len(refs)-1])
		}
	})
}

func TestRecorderTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tries := &trace{}, 0
		down := errors.New("store: down")
		s.setFail(func([]audit.Attempt) error { tries++; return down })
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		save(r, 0, 250)
		pass(10 * time.Second)
		synctest.Wait()
		if r.Waiting() != 250 || r.Dropped() != 0 {
			t.Errorf("%d wait, %d dropped, want all kept", r.Waiting(), r.Dropped())
		}
		s.mu.Lock()
		if tries > 60 {
			t.Errorf("a store that is down was asked %d times in 10 s", tries)
		}
		s.mu.Unlock()
		if err := r.Flush(t.Context()); !errors.Is(err, down) {
			t.Errorf("flush: %v, want the store's error", err)
		}
		r.Save(audit.Attempt{Ref: "00007", Code: "newer"})
		s.setFail(nil)
		pass(2 * time.Second)
		synctest.Wait()
		refs := s.refs()
		slices.Sort(refs)
		if len(refs) != 250 || len(slices.Compact(refs)) != 250 {
			t.Errorf("%d stored, want 250", len(refs))
		}
		for _, b := range s.batches {
			for _, a := range b {
				if a.Ref == "00007" && a.Code != "newer" {
					t.Error("an older record came over a newer one")
				}
			}
		}
		mustClose(t, r)
	})
}

// TestRecorderNewerWins: a record that comes while the older one is on its way, and that way fails.
func TestRecorderNewerWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trace{wait: make(chan struct{})}
		s.setFail(func([]audit.Attempt) error { return errors.New("store: down") })
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		r.Save(audit.Attempt{Ref: "A", Verdict: audit.Started})
		pass(batch)
		synctest.Wait() // on its way
		r.Save(audit.Attempt{Ref: "A", Verdict: audit.Succeeded})
		close(s.wait)
		synctest.Wait()
		if r.Waiting() != 1 {
			t.Errorf("%d wait, want 1", r.Waiting())
		}
		s.setFail(nil)
		mustClose(t, r)
		if len(s.batches) != 1 || s.batches[0][0].Verdict != audit.Succeeded {
			t.Errorf("stored %+v, want the newer record alone", s.batches)
		}
	})
}

// TestRecorderBadRecords: what the store will never take does not stop the others, wherever it stands.
func TestRecorderBadRecords(t *testing.T) {
	for name, bad := range map[string][]int{"one": {100}, "the first three": {0, 1, 2}, "five in a row": {0, 1, 2, 3, 4}, "the last": {249}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &trace{}
				s.setFail(func(as []audit.Attempt) error {
					for _, a := range as {
						for _, i := range bad {
							if a.Ref == fmt.Sprintf("%05d", i) {
								return errors.New("store: refused")
							}
						}
					}
					return nil
				})
				r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
				save(r, 0, 250)
				pass(20 * time.Second)
				synctest.Wait()
				refs := s.refs()
				slices.Sort(refs)
				if n := len(slices.Compact(refs)); n != 250-len(bad) || r.Dropped() != int64(len(bad)) || r.Waiting() != 0 {
					t.Errorf("%d stored, %d dropped, %d wait, want %d dropped", n, r.Dropped(), r.Waiting(), len(bad))
				}
				mustClose(t, r)
			})
		})
	}
}

func TestRecorderCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trace{}
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		save(r, 0, 500)
		mustClose(t, r)
		if len(s.refs()) != 500 {
			t.Errorf("%d stored at close, want 500", len(s.refs()))
		}
		r.Save(audit.Attempt{Ref: "late"})
		if r.Dropped() != 1 {
			t.Errorf("%d dropped, want the late one", r.Dropped())
		}
		if err := r.Close(t.Context()); !errors.Is(err, audit.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
		if err := r.Flush(t.Context()); !errors.Is(err, audit.ErrClosed) {
			t.Errorf("flush after close: %v", err)
		}

		stuck := audit.NewRecorder(audit.RecorderOptions{Trace: &trace{wait: make(chan struct{})}})
		save(stuck, 0, 300)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := stuck.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close with a store that stands: %v", err)
		}
		if stuck.Dropped() != 300 {
			t.Errorf("%d dropped, want 300", stuck.Dropped())
		}
	})
}

func TestRecorderTrims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &trace{}
		r := audit.NewRecorder(audit.RecorderOptions{Trace: s})
		start := time.Now()
		pass(3*time.Hour + time.Minute)
		synctest.Wait()
		if len(s.trims) != 3 {
			t.Fatalf("%d trims in 3 hours, want 3", len(s.trims))
		}
		if want := start.Add(time.Hour).AddDate(0, 0, -30); !s.trims[0].Equal(want) {
			t.Errorf("trimmed before %v, want %v", s.trims[0], want)
		}
		mustClose(t, r)
	})
}
