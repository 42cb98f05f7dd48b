package saml_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ssogate/ssogate/saml"
)

var outgoingNow = time.Date(2026, 11, 22, 3, 4, 5, 678_901_234, time.UTC)

// outgoingRSA makes one RSA key pair for all tests: generating is slow.
var outgoingRSA = sync.OnceValue(func() saml.KeyPair {
	pair, err := saml.NewKeyPair("ssogate test", outgoingNow)
	if err != nil {
		panic(err)
	}
	return pair
})

func outgoingECDSA(t testing.TB, curve elliptic.Curve) saml.KeyPair {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "ec"}, NotAfter: outgoingNow.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return saml.KeyPair{Signer: private, Certificate: certificate}
}

// wantRefusal fails unless err is a *Refusal with the code; it returns the refusal.
func wantRefusal(t *testing.T, err error, code string) *saml.Refusal {
	t.Helper()
	var refusal *saml.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v (%T), want a refusal %s", err, err, code)
	}
	if refusal.Code != code {
		t.Fatalf("got code %s (want %q, got %q), want %s", refusal.Code, refusal.Want, refusal.Got, code)
	}
	if refusal.Want == "" || refusal.Fix == "" {
		t.Fatalf("the refusal %+v does not say what was wanted and who must act", refusal)
	}
	return refusal
}

// xmlsec lets a foreign implementation judge an enveloped signature of the element name ("{namespace}:Local").
func xmlsec(doc []byte, element string, certificate *x509.Certificate, dir string) error {
	file := filepath.Join(dir, "signed.xml")
	key := filepath.Join(dir, "certificate.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	if err := errors.Join(os.WriteFile(file, doc, 0o600), os.WriteFile(key, block, 0o600)); err != nil {
		return err
	}
	command := exec.Command("xmlsec1", "--verify", "--id-attr:ID", element, "--pubkey-cert-pem", key, "--enabled-reference-uris", "same-doc", file)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return errors.Join(err, errors.New(said.String()))
	}
	return nil
}
