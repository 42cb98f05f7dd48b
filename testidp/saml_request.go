package testidp

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// AuthnRequest is what a service provider asked (SAML Core 3.4.1).
type AuthnRequest struct {
	ID, Issuer, ACS, Destination, NameIDFormat, ProviderName, Subject string
	ForceAuthn, IsPassive                                             bool
	Signed                                                            bool // and the signature was verified
}

const maxRequest = 256 << 10

// handleSSO is GET (HTTP-Redirect) and POST (HTTP-POST) /saml/sso.
func (p *Provider) handleSSO(w http.ResponseWriter, r *http.Request) {
	request, sp, err := p.authnRequest(w, r)
	if err != nil {
		p.fault(w, r, http.StatusBadRequest, err)
		return
	}
	relay := r.Form.Get("RelayState")
	answer := func(w http.ResponseWriter, r *http.Request, s choice) {
		p.answerSAML(w, r, sp, request.ACS, request.ID, relay, s)
	}
	p.signIn(w, r, flow{
		title: cmp.Or(request.ProviderName, sp.EntityID), hint: cmp.Or(r.Form.Get("worksId"), request.Subject),
		force: request.ForceAuthn, passive: request.IsPassive, answer: answer,
	})
}

// handleStart is GET /saml/start?sp=&person=&relay=: a sign-in that nobody asked for (SAML Profiles 4.1.5).
func (p *Provider) handleStart(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	sp, ok := p.serviceProvider(query.Get("sp"))
	if !ok {
		p.fault(w, r, http.StatusBadRequest, errors.New("testidp: unknown service provider"))
		return
	}
	answer := func(w http.ResponseWriter, r *http.Request, s choice) {
		p.answerSAML(w, r, sp, sp.ACS[0], "", query.Get("relay"), s)
	}
	if person, known := p.person(query.Get("person")); known {
		answer(w, r, choice{person: person, at: p.now()})
		return
	}
	p.signIn(w, r, flow{title: sp.EntityID, answer: answer})
}

// authnRequest reads and checks a request: who asks, where the answer may go, is it signed as it must be.
func (p *Provider) authnRequest(w http.ResponseWriter, r *http.Request) (AuthnRequest, SAMLClient, error) {
	none := SAMLClient{}
	style, _, _ := p.settings()
	redirect := r.Method == http.MethodGet
	if redirect && style.RequirePOST {
		return AuthnRequest{}, none, errors.New("testidp: requests are only taken by POST")
	}
	xml, err := requestXML(r.Form.Get("SAMLRequest"), redirect)
	if err != nil {
		return AuthnRequest{}, none, err
	}
	p.noteRequest(w, xml, nil)
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(xml); err != nil {
		return AuthnRequest{}, none, fmt.Errorf("testidp: AuthnRequest: %w", err)
	}
	root := doc.Root()
	if root == nil || root.Tag != "AuthnRequest" || root.NamespaceURI() != nsProtocol {
		return AuthnRequest{}, none, errors.New("testidp: not an AuthnRequest")
	}
	request := readAuthnRequest(root)
	sp, ok := p.serviceProvider(request.Issuer)
	if !ok {
		return request, none, fmt.Errorf("testidp: unknown service provider %q", request.Issuer)
	}
	request.ACS = cmp.Or(request.ACS, sp.ACS[0])
	if !slices.Contains(sp.ACS, request.ACS) { // SAML Profiles 4.1.4.1: the provider must know it for this one
		return request, sp, fmt.Errorf("testidp: %q is not an assertion consumer service of %q", request.ACS, sp.EntityID)
	}
	if request.ID == "" || root.SelectAttrValue("Version", "") != "2.0" {
		return request, sp, errors.New("testidp: AuthnRequest without ID or of another version")
	}
	if at, _, _ := strings.Cut(request.Destination, "?"); at != "" && at != p.URL("/saml/sso") {
		return request, sp, fmt.Errorf("testidp: AuthnRequest is meant for %q", request.Destination)
	}
	request.Signed, err = sp.verifyRequest(r, root, redirect)
	if err != nil {
		return request, sp, err
	}
	if style.RequireSignedRequests && !request.Signed {
		return request, sp, errors.New("testidp: requests must be signed")
	}
	p.noteRequest(w, xml, &request)
	return request, sp, nil
}

func readAuthnRequest(root *etree.Element) AuthnRequest {
	child := func(path string) string {
		if el := root.FindElement(path); el != nil {
			return strings.TrimSpace(el.Text())
		}
		return ""
	}
	is := func(name string) bool {
		value := root.SelectAttrValue(name, "")
		return value == "true" || value == "1"
	}
	request := AuthnRequest{
		ID: root.SelectAttrValue("ID", ""), Issuer: child("./Issuer"), ACS: root.SelectAttrValue("AssertionConsumerServiceURL", ""),
		Destination: root.SelectAttrValue("Destination", ""), ProviderName: root.SelectAttrValue("ProviderName", ""),
		Subject: child("./Subject/NameID"), ForceAuthn: is("ForceAuthn"), IsPassive: is("IsPassive"),
	}
	if policy := root.SelectElement("NameIDPolicy"); policy != nil {
		request.NameIDFormat = policy.SelectAttrValue("Format", "")
	}
	return request
}

// requestXML undoes the binding: base64, and deflate by redirect (SAML Bindings 3.4.4.1 and 3.5.4).
func requestXML(field string, deflated bool) ([]byte, error) {
	if field == "" {
		return nil, errors.New("testidp: no SAMLRequest")
	}
	raw, err := base64.StdEncoding.DecodeString(field)
	if err != nil {
		return nil, fmt.Errorf("testidp: SAMLRequest: %w", err)
	}
	if !deflated {
		return raw, nil
	}
	xml, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxRequest))
	if err != nil {
		return nil, fmt.Errorf("testidp: SAMLRequest: inflate: %w", err)
	}
	return xml, nil
}
