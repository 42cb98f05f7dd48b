package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"time"
)

// ErrRecord is what Start says of a record that cannot become a session: IDs missing or malformed, no absolute limit, or one
// that has passed.
var ErrRecord = errors.New("session: record cannot be started")

func newManager(o Options) *Manager {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TouchEvery <= 0 {
		o.TouchEvery = time.Minute
	}
	m := &Manager{o: o}
	if r, ok := o.State.(*redisState); ok {
		m.fence = r.fence
	}
	return m
}

const defaultPrefix = "ssogate"

// Keys of one domain share its hash tag, so that a check is one MGET in a Cluster too.
func (m *Manager) key(domainID, rest string) string {
	return m.o.Prefix + ":{" + domainID + "}:" + rest
}

func (m *Manager) sessionKey(domainID, id string) string { return m.key(domainID, "session:"+id) }

func (m *Manager) indexKey(domainID, memberID string) string {
	return m.key(domainID, "sessions:"+memberID)
}

func (m *Manager) generationKey(domainID, memberID string) string {
	if memberID == "" {
		return m.key(domainID, "gen")
	}
	return m.key(domainID, "gen:"+memberID)
}

// checkKeys are what a check reads: the session, the generation of its domain and that of its member. They are parts of one
// string, for each of them is otherwise garbage of its own on the hottest path.
func (m *Manager) checkKeys(t ticket) [3]string {
	sum := sha256.Sum256([]byte(t.value))
	b := make([]byte, 0, 512)
	b = m.appendTag(b, t.domainID)
	tagged := len(b)
	b = append(b, "session:"...)
	b = hex.AppendEncode(b, sum[:])
	first := len(b)
	b = append(append(b, b[:tagged]...), "gen"...)
	second := len(b)
	b = append(append(append(b, b[:tagged]...), "gen:"...), t.memberID...)
	all := string(b)
	return [3]string{all[:first], all[first:second], all[second:]}
}

func (m *Manager) appendTag(b []byte, domainID string) []byte {
	return append(append(append(append(b, m.o.Prefix...), ":{"...), domainID...), "}:"...)
}

func (m *Manager) start(ctx context.Context, rec Record) (string, error) {
	now := m.o.Now()
	switch {
	case !plainID(rec.DomainID) || !plainID(rec.MemberID):
		return "", fmt.Errorf("%w: domain or member ID is missing or malformed", ErrRecord)
	case !rec.Expires.After(now):
		return "", fmt.Errorf("%w: absolute limit is missing or has passed", ErrRecord)
	case rec.Idle < 0:
		return "", fmt.Errorf("%w: idle limit is negative", ErrRecord)
	}
	rec.Created, rec.LastSeen, rec.Expires = now.UTC().Round(0), now.UTC().Round(0), rec.Expires.UTC().Round(0)
	t := newTicket(rec.DomainID, rec.MemberID)
	err := m.o.State.Set(ctx, m.sessionKey(t.domainID, t.id()), rec.encode(), rec.left(now))
	if err != nil {
		return "", err
	}
	err = m.o.State.IndexAdd(ctx, m.indexKey(t.domainID, t.memberID), t.id(), rec.Expires)
	if err != nil {
		return "", err // its cookie is never handed out: what was stored ends unused
	}
	return t.value, nil
}

// left is how long a session lives from now on when nobody uses it: to its idle limit, never past the absolute one.
func (r Record) left(now time.Time) time.Duration {
	left := r.Expires.Sub(now)
	if idle := time.Duration(r.Idle) * time.Second; r.Idle > 0 && idle < left {
		left = idle
	}
	return left
}

func (m *Manager) check(ctx context.Context, cookie string) (Record, error) {
	t, ok := parseTicket(cookie)
	if !ok {
		return Record{}, ErrMissing
	}
	return m.checkTicket(ctx, t)
}

func (m *Manager) checkTicket(ctx context.Context, t ticket) (Record, error) {
	keys := m.checkKeys(t)
	values, err := m.texts(ctx, keys[:])
	if err != nil {
		return Record{}, err
	}
	if m.fence != nil && !m.fence.settled() {
		return Record{}, errUnsettled
	}
	now := m.o.Now()
	rec, err := m.judge(t.domainID, t.memberID, values[0], values[1], values[2], now)
	if err != nil {
		return Record{}, err
	}
	m.touch(ctx, keys[0], &rec, now)
	return rec, nil
}

// judge decides whether what is stored is a living session of the member (security.md 3.1). ErrMissing when it is not.
func (m *Manager) judge(domainID, memberID string, stored, domainGen, memberGen text, now time.Time) (Record, error) {
	if !stored.there {
		return Record{}, ErrMissing
	}
	rec, err := decodeRecord(stored.value)
	if err != nil {
		m.o.Log.Warn("session: stored record cannot be read", "domain_id", domainID)
		return Record{}, ErrMissing
	}
	if rec.DomainID != domainID || rec.MemberID != memberID {
		return Record{}, ErrMissing
	}
	ofDomain, err := domainGen.counter()
	if err != nil {
		return Record{}, err
	}
	ofMember, err := memberGen.counter()
	if err != nil {
		return Record{}, err
	}
	if rec.DomainGeneration < ofDomain || rec.MemberGeneration < ofMember {
		return Record{}, ErrMissing
	}
	if !now.Before(rec.Expires) {
		return Record{}, ErrMissing
	}
	if rec.Idle > 0 && now.Sub(rec.LastSeen) >= time.Duration(rec.Idle)*time.Second {
		return Record{}, ErrMissing
	}
	return rec, nil
}

// touch notes that the session is in use, at most once per TouchEvery. It replaces and never sets, so a session that was
// ended in between stays ended; when it fails the session merely ends a little earlier.
func (m *Manager) touch(ctx context.Context, key string, rec *Record, now time.Time) {
	every := m.o.TouchEvery
	if half := time.Duration(rec.Idle) * time.Second / 2; rec.Idle > 0 && half < every {
		every = half
	}
	if now.Sub(rec.LastSeen) < every {
		return
	}
	seen := *rec
	seen.LastSeen = now.UTC().Round(0)
	err := m.o.State.Replace(ctx, key, seen.encode(), seen.left(now))
	if err != nil {
		m.o.Log.Debug("session: last use not noted", "err", err)
		return
	}
	rec.LastSeen = seen.LastSeen
}

func (m *Manager) ready(ctx context.Context) error {
	if err := m.o.State.Ping(ctx); err != nil {
		return err
	}
	if m.fence != nil && !m.fence.told() { // soon over, unlike a server that takes no writes: no other node fares better there
		return errUnsettled
	}
	return nil
}

func (m *Manager) end(ctx context.Context, cookie string) error {
	t, ok := parseTicket(cookie)
	if !ok {
		return nil
	}
	return m.remove(ctx, t.domainID, t.memberID, t.id())
}

func (m *Manager) remove(ctx context.Context, domainID, memberID, id string) error {
	err := m.o.State.Delete(ctx, m.sessionKey(domainID, id))
	if err != nil {
		return err
	}
	return m.o.State.IndexRemove(ctx, m.indexKey(domainID, memberID), id)
}

func (m *Manager) endByID(ctx context.Context, domainID, memberID, id string) error {
	if !plainID(domainID) || !plainID(memberID) || !plainID(id) {
		return ErrMissing
	}
	stored, err := m.o.State.Get(ctx, m.sessionKey(domainID, id))
	if err != nil {
		return err
	}
	rec, err := decodeRecord(string(stored))
	if err != nil || rec.DomainID != domainID || rec.MemberID != memberID {
		return ErrMissing // one member must not end another's session by its ID
	}
	return m.remove(ctx, domainID, memberID, id)
}

func (m *Manager) list(ctx context.Context, domainID, memberID string) ([]Listed, error) {
	if !plainID(domainID) || !plainID(memberID) {
		return nil, ErrMissing
	}
	ids, err := m.o.State.Index(ctx, m.indexKey(domainID, memberID))
	if err != nil {
		return nil, err
	}
	keys := []string{m.generationKey(domainID, ""), m.generationKey(domainID, memberID)}
	for _, id := range ids {
		keys = append(keys, m.sessionKey(domainID, id))
	}
	values, err := m.texts(ctx, keys)
	if err != nil {
		return nil, err
	}
	now, listed := m.o.Now(), []Listed{}
	for i, id := range ids {
		rec, err := m.judge(domainID, memberID, values[i+2], values[0], values[1], now)
		switch {
		case err == nil:
			listed = append(listed, Listed{ID: id, Record: rec})
		case !errors.Is(err, ErrMissing):
			return nil, err
		}
	}
	sort.Slice(listed, func(i, j int) bool { return listed[i].Created.After(listed[j].Created) })
	return listed, nil
}

func (m *Manager) raiseGeneration(ctx context.Context, domainID, memberID string, generation int64) error {
	if !plainID(domainID) || memberID != "" && !plainID(memberID) {
		return fmt.Errorf("session: generation of a malformed ID")
	}
	_, err := m.o.State.Raise(ctx, m.generationKey(domainID, memberID), generation)
	return err
}
