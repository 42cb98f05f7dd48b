package sso

import (
	"errors"
	"net/http"
	"time"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/saml"
	"github.com/ssogate/ssogate/web"
)

// spMetadata is what an identity provider's administrator registers: entity ID, ACS and every current key, also the next
// one (SAML Metadata 2.4.4). It is served for a domain before a connection is live: that is when it is needed.
func (g *Gateway) spMetadata(w http.ResponseWriter, r *http.Request) error {
	ctx, name := r.Context(), r.PathValue("domain")
	web.Note(ctx, "domain", name)
	if err := g.allowAddress(ctx, "metadata-address", g.o.AnswersPerAddress); err != nil {
		return err
	}
	d, err := g.o.Directory.Domain(ctx, name)
	if errors.Is(err, directory.ErrNotFound) || err == nil && d.Disabled {
		return unknownDomain()
	}
	if err != nil {
		return failed(err)
	}
	doc, err := g.ServiceProvider(r, d)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/samlmetadata+xml; charset=utf-8")
	if r.URL.Query().Has("download") {
		h.Set("Content-Disposition", `attachment; filename="ssogate-`+d.Name+`-metadata.xml"`)
	}
	_, err = w.Write(doc)
	return err
}

// ServiceProvider writes the metadata of our side for a domain.
func (g *Gateway) ServiceProvider(r *http.Request, d directory.Domain) ([]byte, error) {
	keys, err := g.keys.SAML(r.Context(), d)
	if err != nil {
		return nil, failed(err)
	}
	sp := saml.SP{
		EntityID: g.entityID(d.Name), ACS: g.acsURL(d.Name), ProviderName: g.o.ProviderName, Keys: keys.Published, ID: saml.NewID(),
		ValidUntil: g.o.Now().Add(g.o.MetadataValid).UTC().Truncate(time.Second), WantAssertionsSigned: true,
	}
	if c, err := g.o.Directory.Live(r.Context(), d.ID); err == nil && c.SAML != nil {
		sp.SignRequests = c.SAML.SignRequests
		if c.SAML.NameIDFormat != "" {
			sp.NameIDFormats = []string{c.SAML.NameIDFormat}
		}
	}
	if g.o.SignMetadata || r.URL.Query().Get("signed") == "1" {
		sp.Sign = &keys.Published[0]
	}
	return sp.Metadata()
}
