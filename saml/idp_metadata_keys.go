package saml

import (
	"bytes"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	crewjam "github.com/crewjam/saml"
)

// validity reads validUntil and cacheDuration of the role, the entity and what surrounds them (Metadata 2.3.1, 2.3.2, 2.4.1):
// the earliest end and the shortest cache count.
func (r *reader) validity(elements [][]xml.Attr) error {
	for _, attrs := range elements {
		if err := r.validUntil(strings.TrimSpace(plainAttr(attrs, "validUntil"))); err != nil {
			return err
		}
		r.cacheDuration(strings.TrimSpace(plainAttr(attrs, "cacheDuration")))
	}
	if end := r.idp.ValidUntil; !end.IsZero() && end.Before(r.now.Add(expiryWarning)) {
		r.warn("The metadata is valid until %s only.", day(end))
	}
	return nil
}

func (r *reader) validUntil(text string) error {
	if text == "" {
		return nil
	}
	var end crewjam.RelaxedTime
	if err := end.UnmarshalText([]byte(text)); err != nil {
		return metadataFault("saml_metadata_valid_until", "Metadata 2.3.2", "validUntil as an xs:dateTime", text)
	}
	until := time.Time(end)
	if !until.After(r.now) {
		return &Refusal{
			Code: "saml_metadata_expired", Section: "Metadata 2.3.2",
			Want: "validUntil after " + r.now.UTC().Format(time.RFC3339), Got: until.UTC().Format(time.RFC3339),
			Fix: AtIdentityProvider,
		}
	}
	if r.idp.ValidUntil.IsZero() || until.Before(r.idp.ValidUntil) {
		r.idp.ValidUntil = until
	}
	return nil
}

// cacheDuration is a wish, not a limit: one that cannot be read is left out.
func (r *reader) cacheDuration(text string) {
	if text == "" {
		return
	}
	var wish crewjam.Duration
	if err := wish.UnmarshalText([]byte(text)); err != nil || wish <= 0 {
		r.warn("The cacheDuration %q of the metadata cannot be read and is ignored.", clip(text))
		return
	}
	if r.idp.CacheDuration == 0 || time.Duration(wish) < r.idp.CacheDuration {
		r.idp.CacheDuration = time.Duration(wish)
	}
}

// certificates takes those of the signing keys: use="signing", or no use, which means both (Metadata 2.4.1.1).
func (r *reader) certificates(keys []keyDescriptor) error {
	for _, key := range keys {
		use := strings.TrimSpace(plainAttr(key.Attrs, "use"))
		if use != "" && use != "signing" {
			continue
		}
		before := len(r.idp.Certificates)
		named := 0
		for _, info := range key.Infos {
			for _, data := range info.Data {
				named += len(data.Certificates)
				r.keep(r.leaves(data.Certificates))
			}
		}
		if named == 0 && before == len(r.idp.Certificates) {
			r.warn("A signing key of the metadata has no certificate and is ignored.")
		}
	}
	if len(r.idp.Certificates) == 0 {
		return &Refusal{
			Code: "saml_metadata_no_certificate", Section: "Metadata 2.4.1.1",
			Want: "a signing certificate with " + wantForeignKey, Got: noCertificate(r.idp.Warnings), Fix: AtIdentityProvider,
		}
	}
	return nil
}

func noCertificate(warnings []string) string {
	if len(warnings) == 0 {
		return "none"
	}
	return clip(strings.Join(warnings, " "))
}

// leaves reads the certificates of one X509Data. XML Signature 4.5.4 puts the chain of one key there: a certificate that
// signed another of them is an authority, and an authority's key must not become a trusted signing key of the domain.
func (r *reader) leaves(texts []string) []*x509.Certificate {
	var all []*x509.Certificate
	for _, text := range texts {
		certificate, err := usableCertificate(text)
		if err != nil {
			r.warn("A certificate of the metadata is ignored: %s.", err)
			continue
		}
		all = append(all, certificate)
	}
	return slices.DeleteFunc(slices.Clone(all), func(c *x509.Certificate) bool {
		authority := slices.ContainsFunc(all, func(other *x509.Certificate) bool { return issued(c, other) })
		if authority {
			r.warn("The certificate %s is an authority's and is ignored.", Fingerprint(c))
		}
		return authority
	})
}

func issued(authority, other *x509.Certificate) bool {
	if authority.Equal(other) || !bytes.Equal(other.RawIssuer, authority.RawSubject) {
		return false
	}
	return authority.CheckSignature(other.SignatureAlgorithm, other.RawTBSCertificate, other.Signature) == nil
}

// usableCertificate reads one; its error is a clause of a sentence.
func usableCertificate(text string) (*x509.Certificate, error) {
	der, err := pastedBase64(text)
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	certificate, err := parseCertificate(der)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return nil, fmt.Errorf("%s instead of %s", refusal.Got, refusal.Want)
	}
	return certificate, err
}

// keep adds new certificates and warns of their dates: a lock-out on the day of expiry is the most common outage of SAML.
func (r *reader) keep(certificates []*x509.Certificate) {
	for _, c := range certificates {
		if slices.ContainsFunc(r.idp.Certificates, c.Equal) {
			continue
		}
		if len(r.idp.Certificates) == certificateLimit {
			r.warn("The metadata names more than %d signing certificates; the rest is ignored.", certificateLimit)
			return
		}
		r.idp.Certificates = append(r.idp.Certificates, c)
		switch {
		case c.NotAfter.Before(r.now):
			r.warn("The certificate %s expired on %s.", Fingerprint(c), day(c.NotAfter))
		case c.NotAfter.Before(r.now.Add(expiryWarning)):
			r.warn("The certificate %s expires on %s.", Fingerprint(c), day(c.NotAfter))
		case c.NotBefore.After(r.now):
			r.warn("The certificate %s is valid from %s only.", Fingerprint(c), day(c.NotBefore))
		}
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
