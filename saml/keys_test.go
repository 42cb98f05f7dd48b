package saml_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ssogate/ssogate/saml"
)

func TestKeysNewKeyPair(t *testing.T) {
	pair := outgoingRSA()
	certificate := pair.Certificate
	public, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || public.N.BitLen() != 2048 {
		t.Errorf("got a key %T", certificate.PublicKey)
	}
	if certificate.SignatureAlgorithm != x509.SHA256WithRSA {
		t.Errorf("got the signature algorithm %s", certificate.SignatureAlgorithm)
	}
	if certificate.Subject.CommonName != "ssogate test" || certificate.IsCA {
		t.Errorf("got %s, authority %t", certificate.Subject, certificate.IsCA)
	}
	from, until := outgoingNow.Add(-time.Hour).Truncate(time.Second), outgoingNow.AddDate(10, 0, 0).Truncate(time.Second)
	if !certificate.NotBefore.Equal(from) || !certificate.NotAfter.Equal(until) {
		t.Errorf("valid from %s until %s, want %s until %s", certificate.NotBefore, certificate.NotAfter, from, until)
	}
	if err := certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature); err != nil {
		t.Error("not self-signed:", err)
	}
}

func TestKeysRoundTrip(t *testing.T) {
	for name, pair := range map[string]saml.KeyPair{"rsa": outgoingRSA(), "ecdsa": outgoingECDSA(t, elliptic.P256())} {
		t.Run(name, func(t *testing.T) {
			private, err := pair.MarshalPrivate()
			if err != nil {
				t.Fatal(err)
			}
			got, err := saml.ParseKeyPair(private, pair.Certificate.Raw)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Certificate.Equal(pair.Certificate) {
				t.Error("the certificate changed")
			}
			same := got.Signer.(interface{ Equal(crypto.PrivateKey) bool })
			if !same.Equal(pair.Signer) {
				t.Error("the private key changed")
			}
		})
	}
}

func TestKeysParseKeyPairRefusals(t *testing.T) {
	pair := outgoingRSA()
	private, err := pair.MarshalPrivate()
	if err != nil {
		t.Fatal(err)
	}
	small, smallDER := certified(t, mustRSA(t, 1024))
	p384 := outgoingECDSA(t, elliptic.P384())
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, edDER := certified(t, edKey)
	cases := map[string]struct {
		private, certificate []byte
		code                 string
	}{
		"not a key":             {[]byte("key"), pair.Certificate.Raw, "saml_key_malformed"},
		"nothing":               {nil, nil, "saml_key_malformed"},
		"not a certificate":     {private, []byte("certificate"), "saml_key_certificate"},
		"certificate of others": {private, p384.Certificate.Raw, "saml_key_mismatch"},
		"RSA-1024":              {pkcs8(t, small), smallDER, "saml_key_weak"},
		"P-384":                 {pkcs8(t, p384.Signer), p384.Certificate.Raw, "saml_key_type"},
		"Ed25519":               {pkcs8(t, ed), edDER, "saml_key_type"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := saml.ParseKeyPair(c.private, c.certificate)
			wantRefusal(t, err, c.code)
		})
	}
	_, err = saml.KeyPair{}.MarshalPrivate()
	wantRefusal(t, err, "saml_key_missing")
}

// A key pair in a log line or a message of a failed test shows its certificate only.
func TestKeysPrintNoPrivateKey(t *testing.T) {
	pair := outgoingRSA()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pair", pair)
	d := pair.Signer.(*rsa.PrivateKey).D
	for _, printed := range []string{fmt.Sprint(pair), fmt.Sprintf("%+v", pair), fmt.Sprintf("%#v", pair), log.String()} {
		if strings.Contains(printed, d.String()) || strings.Contains(printed, d.Text(16)) {
			t.Errorf("the private key is in %q", printed)
		}
		if !strings.Contains(printed, saml.Fingerprint(pair.Certificate)) {
			t.Errorf("no fingerprint in %q", printed)
		}
	}
	if got := (saml.KeyPair{}).String(); got != "saml key pair without certificate" {
		t.Errorf("got %q", got)
	}
}

var fingerprintShape = regexp.MustCompile(`^[0-9A-F]{2}(:[0-9A-F]{2}){31}$`)

// The fingerprint is the one an administrator reads on the other side.
func TestKeysFingerprint(t *testing.T) {
	certificate := outgoingRSA().Certificate
	file := filepath.Join(t.TempDir(), "certificate.der")
	if err := os.WriteFile(file, certificate.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", "x509", "-in", file, "-inform", "DER", "-noout", "-fingerprint", "-sha256").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(strings.TrimSpace(string(out)), "=")
	if got := saml.Fingerprint(certificate); got != want || !fingerprintShape.MatchString(got) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKeysParseCertificates(t *testing.T) {
	first, second := outgoingRSA().Certificate, outgoingECDSA(t, elliptic.P256()).Certificate
	p384 := outgoingECDSA(t, elliptic.P384()).Certificate
	one, two := pemOf("CERTIFICATE", first.Raw), pemOf("CERTIFICATE", second.Raw)
	bare := base64.StdEncoding.EncodeToString(first.Raw)
	cases := map[string]struct {
		text string
		want []*x509.Certificate
	}{
		"PEM":                 {one, []*x509.Certificate{first}},
		"two PEM":             {one + two, []*x509.Certificate{first, second}},
		"P-384":               {pemOf("CERTIFICATE", p384.Raw), []*x509.Certificate{p384}},
		"duplicates":          {one + two + one, []*x509.Certificate{first, second}},
		"Windows line ends":   {strings.ReplaceAll(one, "\n", "\r\n"), []*x509.Certificate{first}},
		"byte order mark":     {"\uFEFF" + one, []*x509.Certificate{first}},
		"text around":         {"Bag Attributes\n    friendlyName: idp\n" + one + "\nregards\n" + two, []*x509.Certificate{first, second}},
		"indented":            {strings.ReplaceAll(one, "\n", "\n    "), []*x509.Certificate{first}},
		"on one line":         {strings.ReplaceAll(one, "\n", " "), []*x509.Certificate{first}},
		"written line ends":   {strings.ReplaceAll(one, "\n", `\n`), []*x509.Certificate{first}},
		"old label":           {pemOf("X509 CERTIFICATE", first.Raw), []*x509.Certificate{first}},
		"bare base64":         {bare, []*x509.Certificate{first}},
		"bare base64, broken": {"\n  " + bare[:64] + "\n  " + bare[64:] + "\n", []*x509.Certificate{first}},
		"DER":                 {string(first.Raw), []*x509.Certificate{first}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := saml.ParseCertificates(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %d certificates, want %d", len(got), len(c.want))
			}
			for i := range got {
				if !got[i].Equal(c.want[i]) {
					t.Errorf("certificate %d is another", i)
				}
			}
		})
	}
}

func TestKeysParseCertificatesRefusals(t *testing.T) {
	good := pemOf("CERTIFICATE", outgoingRSA().Certificate.Raw)
	private, err := outgoingRSA().MarshalPrivate()
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(outgoingRSA().Signer.(*rsa.PrivateKey))
	_, weak := certified(t, mustRSA(t, 1024))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed := certified(t, edKey)
	p521 := outgoingECDSA(t, elliptic.P521()).Certificate
	secret := base64.StdEncoding.EncodeToString(private)
	cases := map[string]struct{ text, code string }{
		"nothing":                 {"", "saml_certificate_missing"},
		"blanks":                  {" \r\n\t", "saml_certificate_missing"},
		"private key":             {pemOf("PRIVATE KEY", private), "saml_certificate_private_key"},
		"private key and good":    {good + pemOf("RSA PRIVATE KEY", pkcs1), "saml_certificate_private_key"},
		"encrypted private key":   {pemOf("ENCRYPTED PRIVATE KEY", private), "saml_certificate_private_key"},
		"bare private key":        {secret, "saml_certificate_private_key"},
		"private key by label":    {pemOf("CERTIFICATE", pkcs1), "saml_certificate_private_key"},
		"public key":              {pemOf("PUBLIC KEY", weak), "saml_certificate_kind"},
		"request":                 {pemOf("CERTIFICATE REQUEST", weak), "saml_certificate_kind"},
		"PKCS #7":                 {pemOf("PKCS7", weak), "saml_certificate_kind"},
		"metadata":                {`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`, "saml_certificate_kind"},
		"text":                    {"the certificate is attached", "saml_certificate_malformed"},
		"base64 of text":          {base64.StdEncoding.EncodeToString([]byte("hello world")), "saml_certificate_malformed"},
		"half a block":            {good[:len(good)/2], "saml_certificate_malformed"},
		"half a first line":       {"-----BEGIN CERTIF", "saml_certificate_malformed"},
		"good and half a block":   {good + good[:len(good)/2], "saml_certificate_malformed"},
		"block of other letters":  {strings.Replace(good, "MII", "%%%", 1), "saml_certificate_malformed"},
		"changed octet":           {strings.Replace(good, "MII", "MIX", 1), "saml_certificate_malformed"},
		"RSA-1024":                {pemOf("CERTIFICATE", weak), "saml_certificate_weak_key"},
		"Ed25519":                 {pemOf("CERTIFICATE", ed), "saml_certificate_key_type"},
		"P-521":                   {pemOf("CERTIFICATE", p521.Raw), "saml_certificate_key_type"},
		"too large":               {strings.Repeat(" ", 257<<10), "saml_certificate_too_large"},
		"seventeen certificates":  {seventeen(t), "saml_certificate_too_many"},
		"DER of something":        {string(private), "saml_certificate_private_key"},
		"DER of a broken example": {"0\x82", "saml_certificate_malformed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := saml.ParseCertificates(c.text)
			refusal := wantRefusal(t, err, c.code)
			if told := refusal.Want + refusal.Got; strings.Contains(told, secret[100:140]) || len(told) > 500 {
				t.Errorf("the refusal tells too much: %q", told)
			}
		})
	}
}

// certified returns the key and a self-signed certificate for it.
func certified(t *testing.T, private crypto.Signer) (crypto.Signer, []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: outgoingNow}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return private, der
}

// mustRSA makes a key as weak as wanted, which Go does for tests only.
func mustRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func pkcs8(t *testing.T, private any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pemOf(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func seventeen(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for range 17 {
		_, der := certified(t, private)
		b.WriteString(pemOf("CERTIFICATE", der))
	}
	return b.String()
}
