package sso

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
)

const (
	keepReplaced = 7 * 24 * time.Hour // how long a certificate is trusted after the metadata ceased to name it (directory.KeysAdd)
	mostReplaced = 16                 // certificates kept so; each costs every forged response a verification
)

// errNotFetched is wrapped when there is no document: the address did not answer, or not with 200.
var errNotFetched = errors.New("sso: metadata was not fetched")

// Refresher fetches the metadata of SAML identity providers and keeps the last good copy: a fetch that fails, or brings
// something that is not metadata of the same identity provider, changes nothing but the recorded fault.
type Refresher struct {
	Directory *directory.Directory
	Outbound  Outgoing
	Log       *slog.Logger
	Now       func() time.Time
}

// Refresher returns the metadata refresher over the gateway's own parts.
func (g *Gateway) Refresher() *Refresher {
	return &Refresher{Directory: g.o.Directory, Outbound: g.o.Outbound, Log: g.o.Log, Now: g.o.Now}
}

// Of returns the stored copy for the connection; when there is none yet it is fetched. Errors are those of Fetch.
func (f *Refresher) Of(ctx context.Context, domainID string, s directory.SAMLSettings) (directory.Metadata, error) {
	m, _, err := f.current(ctx, domainID, s)
	return m, err
}

// current is Of with the copy read. A copy is judged as of its fetch: the last good one is kept for ever.
func (f *Refresher) current(ctx context.Context, domainID string, s directory.SAMLSettings) (directory.Metadata, saml.IdP, error) {
	m, err := f.stored(ctx, domainID, s.MetadataURL)
	if err != nil {
		return directory.Metadata{}, saml.IdP{}, err
	}
	if idp, err := saml.ParseMetadata(m.XML, m.Fetched); err == nil && (s.EntityID == "" || idp.EntityID == s.EntityID) {
		return m, idp, nil
	}
	if m, err = f.Fetch(ctx, domainID, s); err != nil {
		return directory.Metadata{}, saml.IdP{}, err
	}
	idp, err := saml.ParseMetadata(m.XML, m.Fetched)
	return m, idp, err
}

// Fetch gets the document, judges it and stores it. The error wraps a *saml.Refusal or one of Outgoing, or comes from the
// store; the old copy stays.
func (f *Refresher) Fetch(ctx context.Context, domainID string, s directory.SAMLSettings) (directory.Metadata, error) {
	began := f.Now()
	doc, idp, fault := f.download(ctx, domainID, s.MetadataURL, began)
	var kept directory.Metadata
	// Another node may have stored a newer copy meanwhile: what is there is read again where it is replaced.
	err := f.Directory.Store.Transact(ctx, func(ctx context.Context) error {
		old, err := f.stored(ctx, domainID, s.MetadataURL)
		if err != nil {
			return err
		}
		if fault == nil {
			fault = sameProvider(s, old, idp)
		}
		switch {
		case fault == nil && old.Fetched.After(began):
			kept = old
			return nil
		case fault == nil:
			kept = renewed(old, doc, idp, began)
		case len(old.XML) == 0 || old.Tried.After(began):
			return nil // without a good copy there is nothing to keep, and a later try says more
		default:
			kept, kept.Tried, kept.Fault = old, began, faultText(fault)
		}
		return f.Directory.SaveMetadata(ctx, kept)
	})
	if err == nil {
		err = fault
	}
	if err != nil {
		return directory.Metadata{}, err
	}
	return kept, nil
}

// stored is the copy for the address, an empty one when there is none.
func (f *Refresher) stored(ctx context.Context, domainID, address string) (directory.Metadata, error) {
	m, err := f.Directory.Metadata(ctx, domainID)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return directory.Metadata{}, err
	}
	if err != nil || m.URL != address {
		m = directory.Metadata{DomainID: domainID, URL: address}
	}
	return m, nil
}

func (f *Refresher) download(ctx context.Context, domainID, address string, now time.Time) ([]byte, saml.IdP, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, saml.IdP{}, err
	}
	req.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	resp, err := f.Outbound.ForMetadata(domainID).Do(req)
	if err != nil {
		return nil, saml.IdP{}, fmt.Errorf("%w: %w", errNotFetched, withoutAddress(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, saml.IdP{}, fmt.Errorf("%w: status %d", errNotFetched, resp.StatusCode)
	}
	doc, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, saml.IdP{}, fmt.Errorf("%w: %w", errNotFetched, err)
	}
	idp, err := saml.ParseMetadata(doc, now)
	return doc, idp, err
}

// sameProvider keeps a fetched document from changing whom we trust: it speaks for the entity ID of the connection or, where
// that names none, for the one of the first copy. Another one is for the administrator to write into the connection.
func sameProvider(s directory.SAMLSettings, old directory.Metadata, idp saml.IdP) error {
	want := s.EntityID
	if before, err := saml.ParseMetadata(old.XML, old.Fetched); want == "" && err == nil {
		want = before.EntityID
	}
	if want == "" || idp.EntityID == want {
		return nil
	}
	return &saml.Refusal{Code: "saml_metadata_provider", Section: "Metadata 2.3.2", Want: want, Got: idp.EntityID, Fix: saml.AtConnection}
}

// renewed is the copy with a good document. Certificates that only the copy before named move to Extra.
func renewed(old directory.Metadata, doc []byte, idp saml.IdP, now time.Time) directory.Metadata {
	fresh := directory.Metadata{
		DomainID: old.DomainID, URL: old.URL, XML: doc, Fetched: now, Tried: now, Extra: map[string]time.Time{},
	}
	for text, until := range old.Extra {
		if now.Before(until) {
			fresh.Extra[text] = until
		}
	}
	if before, err := saml.ParseMetadata(old.XML, old.Fetched); err == nil {
		for _, c := range before.Certificates {
			fresh.Extra[pemOf(c)] = now.Add(keepReplaced)
		}
	}
	for _, c := range idp.Certificates {
		delete(fresh.Extra, pemOf(c))
	}
	oldest := func(a, b string) int { return fresh.Extra[a].Compare(fresh.Extra[b]) }
	for texts := slices.SortedFunc(maps.Keys(fresh.Extra), oldest); len(texts) > mostReplaced; texts = texts[1:] {
		delete(fresh.Extra, texts[0])
	}
	return fresh
}

// withoutAddress takes the address off an error of an HTTP client: it may carry a key of the customer.
func withoutAddress(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// faultText never holds what was fetched.
func faultText(err error) string {
	var r *saml.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return err.Error()
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
