package saml_test

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/ssogate/ssogate/saml"
)

// BenchmarkRedirectUnsigned compares a whole login start with the deflation in it: the goal is at most twice as much.
func BenchmarkRedirectUnsigned(b *testing.B) {
	r := testRequest()
	b.Run("deflate", func(b *testing.B) {
		location, err := r.Redirect("handle", nil)
		if err != nil {
			b.Fatal(err)
		}
		doc := inflated(b, location)
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.BestSpeed)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			out.Reset()
			w.Reset(&out)
			w.Write(doc)
			w.Close()
		}
	})
	b.Run("redirect", func(b *testing.B) { redirects(b, r) })
}

// BenchmarkRedirectSigned compares a signed login start with its RSA signature: the goal is at most 1.1 times as much.
func BenchmarkRedirectSigned(b *testing.B) {
	key := outgoingRSA()
	b.Run("rsa-sign", func(b *testing.B) {
		digest := sha256.Sum256([]byte("octets"))
		for b.Loop() {
			if _, err := key.Signer.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
				b.Fatal(err)
			}
		}
	})
	r := testRequest()
	r.Sign = &key
	b.Run("redirect", func(b *testing.B) { redirects(b, r) })
	b.Run("post", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.POST("handle"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func redirects(b *testing.B, r saml.Request) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Redirect("handle", nil); err != nil {
			b.Fatal(err)
		}
	}
}
