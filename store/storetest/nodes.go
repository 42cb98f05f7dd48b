package storetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/ssogate/ssogate/directory"
)

// each runs f on every node several times, all at once, and returns the errors.
func each(nodes []Node, times int, f func(s Node, i int) error) []error {
	errs := make([]error, len(nodes)*times)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			<-start
			errs[i] = f(nodes[i%len(nodes)], i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

func two(t *testing.T, db Database) []Node {
	t.Helper()
	nodes := []Node{db.Open(t), db.Open(t)}
	t.Cleanup(func() {
		for _, n := range nodes {
			n.Close()
		}
	})
	return nodes
}

// won says that exactly one was without error and all others conflicts.
func won(t *testing.T, errs []error) {
	t.Helper()
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
		} else if !errors.Is(err, directory.ErrConflict) {
			t.Errorf("got error %v, want a conflict", err)
		}
	}
	if n != 1 {
		t.Errorf("%d of %d succeeded, want 1", n, len(errs))
	}
}

func testStarts(t *testing.T, db Database) {
	opened := make([]Node, 4)
	var all sync.WaitGroup
	for i := range opened {
		all.Go(func() { opened[i] = db.Open(t) })
	}
	all.Wait()
	for _, s := range opened {
		if s == nil {
			t.Fatal("a node did not start")
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

func testAccountRace(t *testing.T, db Database) {
	nodes := two(t, db)
	putDomain(t, nodes[0], "mycompany.com")
	won(t, each(nodes, 4, func(s Node, i int) error {
		m := aMember("mycompany.com", "taro")
		m.ID, m.ExternalKey = fmt.Sprint("mem_", i), fmt.Sprint("key-", i)
		_, err := s.PutMember(t.Context(), m)
		return err
	}))
	won(t, each(nodes, 4, func(s Node, i int) error {
		m := aMember("mycompany.com", fmt.Sprint("p", i))
		m.ExternalKey = "the same"
		_, err := s.PutMember(t.Context(), m)
		return err
	}))
	same(t, "members", len(must[[]directory.Member](t)(nodes[1].Members(t.Context(), "dom_mycompany.com", directory.MemberFilter{}))), 2)
}

func testVersionRace(t *testing.T, db Database) {
	nodes := two(t, db)
	putDomain(t, nodes[0], "mycompany.com")
	m := putMember(t, nodes[0], aMember("mycompany.com", "taro"))
	won(t, each(nodes, 4, func(s Node, i int) error {
		x := m
		x.NickName = fmt.Sprint(i)
		_, err := s.PutMember(t.Context(), x)
		return err
	}))
	same(t, "version", must[directory.Member](t)(nodes[1].Member(t.Context(), m.DomainID, m.ID)).Version, int64(2))
}

func testActivateRace(t *testing.T, db Database) {
	nodes := two(t, db)
	d := putDomain(t, nodes[0], "mycompany.com")
	const revisions = 6
	for i := 1; i <= revisions; i++ {
		must[int](t)(nodes[0].PutDraft(t.Context(), aSAML("mycompany.com")))
		check(t, nodes[0].Activate(t.Context(), d.ID, i, noon))
	}
	for _, err := range each(nodes, 6, func(s Node, i int) error { return s.Activate(t.Context(), d.ID, 1+i%revisions, noon) }) {
		check(t, err)
	}
	live := 0
	for _, c := range must[[]directory.Connection](t)(nodes[1].Connections(t.Context(), d.ID)) {
		if c.State == directory.Live {
			live++
		}
	}
	same(t, "live revisions", live, 1)
}

func testDraftRace(t *testing.T, db Database) {
	nodes := two(t, db)
	d := putDomain(t, nodes[0], "mycompany.com")
	for _, err := range each(nodes, 4, func(s Node, _ int) error {
		_, err := s.PutDraft(t.Context(), aSAML("mycompany.com"))
		return err
	}) {
		check(t, err)
	}
	same(t, "drafts", len(must[[]directory.Connection](t)(nodes[1].Connections(t.Context(), d.ID))), 1)
}

func testRevokeRace(t *testing.T, db Database) {
	nodes := two(t, db)
	d := putDomain(t, nodes[0], "mycompany.com")
	m := putMember(t, nodes[0], aMember("mycompany.com", "taro"))
	const times = 10
	var (
		mu   sync.Mutex
		seqs []int64
	)
	for _, err := range each(nodes, times, func(s Node, i int) error {
		id := ""
		if i < times {
			id = m.ID
		}
		r, err := s.Revoke(t.Context(), d.ID, id, noon)
		mu.Lock()
		defer mu.Unlock()
		seqs = append(seqs, r.Seq)
		return err
	}) {
		check(t, err)
	}
	slices.Sort(seqs)
	same(t, "numbers, each once", len(slices.Compact(seqs)), 2*times)
	same(t, "the domain's generation", must[directory.Domain](t)(nodes[1].Domain(t.Context(), d.ID)).Generation, d.Generation+times)
	same(t, "the member's generation", must[directory.Member](t)(nodes[1].Member(t.Context(), d.ID, m.ID)).Generation, int64(times))
}

func testRestart(t *testing.T, db Database) {
	s := db.Open(t)
	want := putDomain(t, s, "mycompany.com")
	m := putMember(t, s, aMember("mycompany.com", "taro"))
	must[int](t)(s.PutDraft(t.Context(), anOAuth("mycompany.com", "hunter2")))
	check(t, s.Close())
	s = db.Open(t)
	defer s.Close()
	same(t, "domain", must[directory.Domain](t)(s.Domain(t.Context(), want.ID)), want)
	same(t, "member", must[directory.Member](t)(s.Member(t.Context(), m.DomainID, m.ID)), m)
	same(t, "secret", must[directory.Connection](t)(s.Connection(t.Context(), want.ID, 1)).OAuth.ClientSecret, "hunter2")
}

// testDump plants secrets and looks for them, in every writing a thief would try.
func testDump(t *testing.T, db Database) {
	s := db.Open(t)
	defer s.Close()
	const secret, private = "canary-client-secret-4711", "canary-private-key-0815"
	putDomain(t, s, "mycompany.com")
	must[int](t)(s.PutDraft(t.Context(), anOAuth("mycompany.com", secret)))
	check(t, s.Activate(t.Context(), "dom_mycompany.com", 1, noon))
	must[int](t)(s.PutDraft(t.Context(), anOAuth("mycompany.com", secret)))
	check(t, s.PutKey(t.Context(), directory.Key{ID: "k", Use: "saml", State: directory.KeyCurrent, Private: []byte(private), Created: noon}))
	dump := db.Dump(t)
	if !bytes.Contains(dump, []byte("https://idp.mycompany.com")) {
		t.Fatal("the dump does not hold what was stored in the clear: it proves nothing")
	}
	for _, plain := range []string{secret, private} {
		for name, writing := range map[string]string{
			"as it is": plain, "base64": base64.StdEncoding.EncodeToString([]byte(plain)), "hex": hex.EncodeToString([]byte(plain)),
			"base64 inside": base64.RawStdEncoding.EncodeToString([]byte(plain)[:12]),
		} {
			if bytes.Contains(dump, []byte(writing)) {
				t.Errorf("the dump holds %q %s", plain, name)
			}
		}
	}
}
