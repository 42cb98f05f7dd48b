package main

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/ssogate/ssogate/saml"
	"github.com/ssogate/ssogate/testidp"
)

// What is measured in this process, and the baselines.
const (
	rsaVerify       = "rsa verify"
	rsaSign         = "rsa sign"
	rsaDecrypt      = "rsa decrypt"
	deflate         = "deflate"
	crewjamParse    = "crewjam parse"
	verifyAssertion = "verify assertion"
	verifyResponse  = "verify response"
	verifyBoth      = "verify both"
	verifyEncrypted = "verify encrypted"
	startSigned     = "start signed"
	startUnsigned   = "start unsigned"
)

const (
	entityID  = "https://sso.bench.example/saml/bench.example/metadata"
	acs       = "https://sso.bench.example/acs/bench.example"
	requestID = "_3f7c1e0a9b5d4c2e8f60718293a4b5c6d7e8f901"
	person    = "taro"
)

// bench is the fixed world of the functions: one provider, one service provider, one moment.
type bench struct {
	now      time.Time
	provider *testidp.Provider
	key      saml.KeyPair
	private  *rsa.PrivateKey
}

func newBench() (*bench, error) {
	b := &bench{now: time.Now()}
	b.provider = testidp.New(testidp.Options{BaseURL: "https://idp.bench.example", Now: func() time.Time { return b.now }})
	b.provider.AddPerson(employee())
	var err error
	if b.key, err = saml.NewKeyPair("bench", b.now); err != nil {
		return nil, err
	}
	private, ok := b.key.Signer.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("bench: the key of a service provider is not RSA")
	}
	b.private = private
	return b, b.provider.AddServiceProvider(testidp.SAMLClient{EntityID: entityID, ACS: []string{acs}, EncryptionCertificate: b.key.Certificate})
}

// employee has as many attributes as make a response of about 7 KB, which is what common providers send.
func employee() testidp.Person {
	p := testidp.Person{Login: person, Subject: "emp-1001", Email: "taro@bench.example", FamilyName: "Yamada", GivenName: "Taro", Attributes: map[string][]string{}}
	for i := range 11 {
		name := fmt.Sprintf("http://schemas.bench.example/ws/2005/05/identity/claims/attribute%02d", i)
		p.Attributes[name] = []string{fmt.Sprintf("value number %02d of this person, some forty bytes", i)}
	}
	return p
}

// libraryTasks prepares everything and checks that all of it works before anything is timed.
func libraryTasks() ([]task, error) {
	b, err := newBench()
	if err != nil {
		return nil, err
	}
	tasks := b.baselines()
	parse, err := b.crewjam()
	if err != nil {
		return nil, err
	}
	tasks = append(tasks, parse)
	for _, shape := range []struct {
		name  string
		style testidp.SAMLStyle
	}{
		{verifyAssertion, testidp.SAMLStyle{}}, {verifyResponse, testidp.SAMLStyle{Sign: testidp.SignResponse}},
		{verifyBoth, testidp.SAMLStyle{Sign: testidp.SignBoth}}, {verifyEncrypted, testidp.SAMLStyle{Cipher: testidp.AES256CBC}},
	} {
		t, err := b.verify(shape.name, shape.style)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	starts, err := b.starts()
	return append(tasks, starts...), err
}

// baselines are single steps of the standard library under the same key size that everything else uses.
func (b *bench) baselines() []task {
	idp := b.provider.Keys().Signer(testidp.KeyRSA).(*rsa.PrivateKey)
	digest := sha256.Sum256([]byte("what is signed"))
	signature, errSign := idp.Sign(rand.Reader, digest[:], crypto.SHA256)
	wrapped, errWrap := rsa.EncryptOAEP(sha1.New(), rand.Reader, &b.private.PublicKey, make([]byte, 32), nil)
	return []task{
		{rsaVerify, func() error {
			return errors.Join(errSign, rsa.VerifyPKCS1v15(&idp.PublicKey, crypto.SHA256, digest[:], signature))
		}},
		{rsaSign, func() error {
			_, err := b.private.Sign(rand.Reader, digest[:], crypto.SHA256)
			return err
		}},
		{rsaDecrypt, func() error {
			_, err := rsa.DecryptOAEP(sha1.New(), nil, b.private, wrapped, nil)
			return errors.Join(errWrap, err)
		}},
	}
}

func (b *bench) response(style testidp.SAMLStyle) ([]byte, error) {
	b.provider.SetSAML(style)
	return b.provider.Response(testidp.ResponseTo{ServiceProvider: entityID, Login: person, InResponseTo: requestID})
}

func (b *bench) verify(name string, style testidp.SAMLStyle) (task, error) {
	response, err := b.response(style)
	expect := saml.Expect{
		EntityID: entityID, ACS: acs, Issuer: b.provider.EntityID(), Certificates: []*x509.Certificate{b.provider.Keys().Certificate(testidp.KeyRSA)},
		RequestID: requestID, Decrypters: []*rsa.PrivateKey{b.private}, Now: b.now,
	}
	return task{name, func() error {
		claims, _, err := saml.Verify(response, expect)
		if err == nil && claims.UserKey != "emp-1001" {
			err = errors.New("bench: somebody else signed in")
		}
		return err
	}}, err
}

// crewjam is ParseXMLResponse of crewjam/saml over the same bytes.
func (b *bench) crewjam() (task, error) {
	response, err := b.response(testidp.SAMLStyle{})
	if err != nil {
		return task{}, err
	}
	if len(response) < 6500 || len(response) > 7500 {
		return task{}, fmt.Errorf("bench: the response has %d bytes, not about 7,000", len(response))
	}
	metadata := &crewjam.EntityDescriptor{}
	if err := xml.Unmarshal(b.provider.Metadata(), metadata); err != nil {
		return task{}, fmt.Errorf("bench: metadata: %w", err)
	}
	// One certificate, as ours is given: with several, crewjam would try to guess by KeyInfo.
	descriptors := metadata.IDPSSODescriptors[0].KeyDescriptors
	metadata.IDPSSODescriptors[0].KeyDescriptors = descriptors[:1]
	address, err := url.Parse(acs)
	if err != nil {
		return task{}, err
	}
	crewjam.TimeNow = func() time.Time { return b.now }
	sp := &crewjam.ServiceProvider{EntityID: entityID, Key: b.private, Certificate: b.key.Certificate, AcsURL: *address, IDPMetadata: metadata}
	return task{crewjamParse, func() error {
		_, err := sp.ParseXMLResponse(response, []string{requestID}, *address)
		var invalid *crewjam.InvalidResponseError
		if errors.As(err, &invalid) {
			return invalid.PrivateErr
		}
		return err
	}}, nil
}

// starts are login starts with and without a signature, and the deflation that both contain, with a writer kept like theirs.
func (b *bench) starts() ([]task, error) {
	request := saml.Request{ID: requestID, Destination: "https://idp.bench.example/saml/sso", ACS: acs, EntityID: entityID, ProviderName: "ssogate", IssueInstant: b.now}
	begin := func(r saml.Request) func() error {
		return func() error {
			_, err := r.Redirect("handle-of-this-login-0123456789", nil)
			return err
		}
	}
	location, err := request.Redirect("", nil)
	if err != nil {
		return nil, err
	}
	document, err := inflate(location)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	writer, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	signed := request
	signed.Sign = &b.key
	return []task{
		{startUnsigned, begin(request)},
		{startSigned, begin(signed)},
		{deflate, func() error {
			out.Reset()
			writer.Reset(&out)
			if _, err := writer.Write(document); err != nil {
				return err
			}
			return writer.Close()
		}},
	}, nil
}

// inflate takes the AuthnRequest out of a redirect.
func inflate(location string) ([]byte, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(flate.NewReader(bytes.NewReader(raw)))
}
