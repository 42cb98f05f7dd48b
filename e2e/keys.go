package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"math/big"
	"strings"
	"testing"
	"time"
)

// Keys are a throw-away RSA key with a self-signed certificate, in PEM.
type Keys struct {
	Key, Public, Certificate []byte
}

// MetadataKeys are certificate and public key of the first KeyDescriptor of a metadata document, without the private key.
func MetadataKeys(t testing.TB, metadata []byte) *Keys {
	t.Helper()
	var entity struct {
		Certificate []string `xml:"SPSSODescriptor>KeyDescriptor>KeyInfo>X509Data>X509Certificate"`
	}
	if err := xml.Unmarshal(metadata, &entity); err != nil || len(entity.Certificate) == 0 {
		t.Fatalf("e2e: no key in the metadata: %v\n%s", err, metadata)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(entity.Certificate[0]), ""))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(certificate.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return &Keys{
		Public:      pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
}

// NewKeys makes keys that are valid since an hour, for ten years.
func NewKeys(t testing.TB, name string) Keys {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return Keys{
		Key:         pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		Public:      pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
	}
}
