package credential_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/credential"
)

func box(t testing.TB, current string, previous ...string) *credential.Box {
	t.Helper()
	b, err := credential.NewBox(current, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSealOpens(t *testing.T) {
	b := box(t, credential.NewKey())
	place := credential.Place("connections", "secret", "dom_1", "2")
	for _, plain := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte("long"), 10_000), {0, 255}} {
		sealed, err := b.Seal(plain, place)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(sealed, "v1."+b.KeyID()+".") {
			t.Errorf("sealed text begins with %.14s, want v1 and the key id", sealed)
		}
		got, err := b.Open(sealed, place)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("opened %d bytes, %v, want %d", len(got), err, len(plain))
		}
	}
}

func TestSealDiffersEachTime(t *testing.T) {
	b := box(t, credential.NewKey())
	seen := map[string]bool{}
	for range 100 {
		sealed, err := b.Seal([]byte("same"), "place")
		if err != nil {
			t.Fatal(err)
		}
		if seen[sealed] {
			t.Fatal("a nonce came twice")
		}
		seen[sealed] = true
	}
}

func TestOpenRefuses(t *testing.T) {
	b := box(t, credential.NewKey())
	sealed, err := b.Seal([]byte("hunter2"), "a|b|c|d")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(sealed, ".")
	body, _ := base64.RawURLEncoding.DecodeString(parts[2])
	with := func(body []byte) string {
		return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(body)
	}
	flipped := bytes.Clone(body)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		sealed, place string
		want          error
	}{
		"another place":       {sealed, "a|b|c|e", credential.ErrTampered},
		"no place":            {sealed, "", credential.ErrTampered},
		"a flipped bit":       {with(flipped), "a|b|c|d", credential.ErrTampered},
		"cut":                 {with(body[:len(body)-1]), "a|b|c|d", credential.ErrTampered},
		"only a nonce":        {with(body[:12]), "a|b|c|d", credential.ErrTampered},
		"less than a nonce":   {with(body[:5]), "a|b|c|d", credential.ErrTampered},
		"no body":             {with(nil), "a|b|c|d", credential.ErrTampered},
		"padding":             {sealed + "=", "a|b|c|d", credential.ErrTampered},
		"another version":     {"v2." + parts[1] + "." + parts[2], "a|b|c|d", credential.ErrTampered},
		"in the clear":        {"hunter2", "a|b|c|d", credential.ErrTampered},
		"empty":               {"", "a|b|c|d", credential.ErrTampered},
		"an unknown key":      {"v1.00000000." + parts[2], "a|b|c|d", credential.ErrUnknownKey},
		"sealed by other box": {mustSeal(t, box(t, credential.NewKey())), "a|b|c|d", credential.ErrUnknownKey},
	} {
		got, err := b.Open(c.sealed, c.place)
		if !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: got %q, %v, want %v", name, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the text", name)
		}
	}
}

func mustSeal(t *testing.T, b *credential.Box) string {
	t.Helper()
	sealed, err := b.Seal([]byte("x"), "a|b|c|d")
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestRotation(t *testing.T) {
	old, now := credential.NewKey(), credential.NewKey()
	before := mustSeal(t, box(t, old))
	b := box(t, now, old)
	if _, err := b.Open(before, "a|b|c|d"); err != nil {
		t.Errorf("a previous key does not open: %v", err)
	}
	if !b.NeedsReseal(before) {
		t.Error("what a previous key sealed needs a reseal")
	}
	if b.NeedsReseal(mustSeal(t, b)) || b.NeedsReseal("") {
		t.Error("what the current key sealed, and nothing, need no reseal")
	}
}

func TestPlacesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range [][4]string{{"a", "b", "c", "d"}, {"a|b", "", "c", "d"}, {"a", "b|c", "", "d"}, {"a", `b\`, "c", "d"}, {"a", `b\|c`, "", "d"}, {"a", "b", "", "c|d"}} {
		place := credential.Place(p[0], p[1], p[2], p[3])
		if seen[place] {
			t.Errorf("%q is the place of two", place)
		}
		seen[place] = true
	}
}

func TestNewBoxRefuses(t *testing.T) {
	good := credential.NewKey()
	short := base64.StdEncoding.EncodeToString(make([]byte, 31))
	for name, keys := range map[string][]string{
		"no key": {""}, "short": {short}, "long": {base64.StdEncoding.EncodeToString(make([]byte, 33))}, "not base64": {"!!secret!!"},
		"a bad previous key": {good, short},
	} {
		_, err := credential.NewBox(keys[0], keys[1:]...)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), short) {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}
	raw, _ := base64.StdEncoding.DecodeString(good)
	for name, key := range map[string]string{"with a line end": good + "\n", "without padding": strings.TrimRight(good, "="), "url alphabet": base64.URLEncoding.EncodeToString(raw)} {
		b, err := credential.NewBox(key)
		if err != nil || b.KeyID() != box(t, good).KeyID() {
			t.Errorf("%s: %v, want the same key", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, credential.NewKey())
	f.Add("v1."+b.KeyID()+".AAAA", "place")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, sealed, place string) {
		if plain, err := b.Open(sealed, place); err == nil {
			t.Errorf("a forgery opened: %q", plain)
		}
	})
}
