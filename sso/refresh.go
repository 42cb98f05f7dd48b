package sso

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/outbound"
	"github.com/ssogate/ssogate/saml"
)

// keepReplaced is how long a certificate stays trusted after the metadata ceased to name it (directory.KeysAdd).
const keepReplaced = 7 * 24 * time.Hour

// Refresher fetches the metadata of SAML identity providers and keeps the last good copy: a fetch that fails, or brings
// something that is not metadata, changes nothing but the recorded fault.
type Refresher struct {
	Directory *directory.Directory
	Outbound  *outbound.Client
	Log       *slog.Logger
	Now       func() time.Time
}

// Of returns the stored copy for the address; when there is none yet it is fetched.
func (f *Refresher) Of(ctx context.Context, domainID, url string) (directory.Metadata, error) {
	m, err := f.Directory.Metadata(ctx, domainID)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return directory.Metadata{}, err
	}
	if err == nil && m.URL == url && len(m.XML) > 0 {
		return m, nil
	}
	return f.Fetch(ctx, domainID, url)
}

// Fetch gets the document, judges it and stores it. The error is a *saml.Refusal or one of outbound; the old copy stays.
func (f *Refresher) Fetch(ctx context.Context, domainID, url string) (directory.Metadata, error) {
	old, err := f.Directory.Metadata(ctx, domainID)
	if err != nil && !errors.Is(err, directory.ErrNotFound) {
		return directory.Metadata{}, err
	}
	if old.URL != url {
		old = directory.Metadata{DomainID: domainID, URL: url, Version: old.Version}
	}
	now := f.Now()
	old.Tried = now
	doc, err := f.download(ctx, domainID, url)
	if err == nil {
		var idp saml.IdP
		if idp, err = saml.ParseMetadata(doc, now); err == nil {
			return f.keep(ctx, old, doc, idp, now)
		}
	}
	old.Fault = faultText(err)
	if len(old.XML) > 0 { // without a good copy there is nothing to keep
		if saveErr := f.Directory.SaveMetadata(ctx, old); saveErr != nil {
			return directory.Metadata{}, saveErr
		}
	}
	return directory.Metadata{}, err
}

func (f *Refresher) download(ctx context.Context, domainID, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	resp, err := f.Outbound.ForMetadata(domainID).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("sso: metadata: status %d", resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}

// keep stores a good document. Certificates that only the copy before named move to Extra.
func (f *Refresher) keep(ctx context.Context, old directory.Metadata, doc []byte, idp saml.IdP, now time.Time) (directory.Metadata, error) {
	fresh := directory.Metadata{
		DomainID: old.DomainID, URL: old.URL, XML: doc, Version: old.Version, Fetched: now, Tried: now, Extra: map[string]time.Time{},
	}
	if string(old.XML) != string(doc) {
		fresh.Version++
	}
	for text, until := range old.Extra {
		if now.Before(until) {
			fresh.Extra[text] = until
		}
	}
	if before, err := saml.ParseMetadata(old.XML, old.Fetched); err == nil {
		for _, c := range before.Certificates {
			if !contains(idp.Certificates, c) {
				fresh.Extra[pemOf(c)] = now.Add(keepReplaced)
			}
		}
	}
	for _, c := range idp.Certificates {
		delete(fresh.Extra, pemOf(c))
	}
	return fresh, f.Directory.SaveMetadata(ctx, fresh)
}

// Run refreshes every live connection's metadata that was last tried longer than every ago, until ctx ends. Nodes do this
// each for itself, at times of their own; the documents are the same.
func (f *Refresher) Run(ctx context.Context, every time.Duration) {
	for {
		wait := every/20 + rand.N(every/20+1)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			f.Due(ctx, every)
		}
	}
}

// Due refreshes what is due and says how many fetches were good and how many failed.
func (f *Refresher) Due(ctx context.Context, every time.Duration) (good, failed int) {
	urls, err := f.Directory.Store.LiveMetadataURLs(ctx)
	if err != nil {
		f.Log.Warn("metadata refresh cannot read the directory", "err", err)
		return 0, 0
	}
	for domainID, url := range urls {
		if ctx.Err() != nil {
			return good, failed
		}
		m, err := f.Directory.Metadata(ctx, domainID)
		if err == nil && m.URL == url && f.Now().Sub(m.Tried) < every {
			continue
		}
		if _, err := f.Fetch(ctx, domainID, url); err != nil {
			failed++
			f.Log.Warn("metadata refresh failed, the last good copy stays", "domain_id", domainID, "err", faultText(err))
			continue
		}
		good++
	}
	return good, failed
}

// metadataOf is the login's way to the stored copy.
func (g *Gateway) metadataOf(ctx context.Context, domainID string, s directory.SAMLSettings) (directory.Metadata, error) {
	return g.Refresher().Of(ctx, domainID, s.MetadataURL)
}

// Refresher returns the metadata refresher over the gateway's own parts.
func (g *Gateway) Refresher() *Refresher {
	return &Refresher{Directory: g.o.Directory, Outbound: g.o.Outbound, Log: g.o.Log, Now: g.o.Now}
}

// faultText never holds what was fetched.
func faultText(err error) string {
	var r *saml.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return err.Error()
}

func contains(certs []*x509.Certificate, c *x509.Certificate) bool {
	for _, other := range certs {
		if other.Equal(c) {
			return true
		}
	}
	return false
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
