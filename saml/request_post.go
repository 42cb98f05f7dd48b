package saml

import "encoding/base64"

// POST returns the form fields that start the login by HTTP-POST (SAML Bindings 3.5): SAMLRequest, and RelayState when it is
// not empty (at most 80 bytes). The page that holds them posts to Destination. With Sign the request carries an enveloped
// signature directly after Issuer, exclusive canonicalisation, SHA-256. Errors are *Refusal.
func (r Request) POST(relayState string) (map[string]string, error) {
	if err := r.check(relayState); err != nil {
		return nil, err
	}
	doc, issuerEnd := r.document()
	if r.Sign != nil {
		signed, err := r.Sign.envelop(doc, issuerEnd)
		if err != nil {
			return nil, err
		}
		doc = signed
	}
	fields := map[string]string{"SAMLRequest": base64.StdEncoding.EncodeToString(doc)}
	if relayState != "" {
		fields["RelayState"] = relayState
	}
	return fields, nil
}
