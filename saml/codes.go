package saml

import (
	"sort"
	"strings"
	"unicode"
)

// meaning is what a code tells its second reader, the administrator, and who can mend it.
type meaning struct {
	fix  Side
	text string
}

// meanings lists every code a Refusal of Verify can carry. It is read only.
var meanings = map[string]meaning{
	"saml_expectation": {AtOperator, "the connection lacks something a response must be compared with"},
	"saml_internal":    {AtOperator, "a library failed on this message; please report it"},

	// Form of the message.
	"saml_too_large":              {AtIdentityProvider, "the message is larger than allowed"},
	"saml_base64":                 {AtIdentityProvider, "the form value is not base64"},
	"saml_encoding":               {AtIdentityProvider, "the message is not UTF-8"},
	"saml_malformed":              {AtIdentityProvider, "the message is not well-formed XML"},
	"saml_doctype":                {AtIdentityProvider, "the message has a document type declaration"},
	"saml_entity":                 {AtIdentityProvider, "the message uses an entity that XML does not predefine"},
	"saml_processing_instruction": {AtIdentityProvider, "the message has a processing instruction"},
	"saml_comment":                {AtIdentityProvider, "the message has a comment"},
	"saml_cdata":                  {AtIdentityProvider, "the message has a CDATA section"},
	"saml_namespace":              {AtIdentityProvider, "a namespace prefix is reserved or not declared"},
	"saml_root":                   {AtIdentityProvider, "the message is not a SAML 2.0 Response"},
	"saml_too_deep":               {AtIdentityProvider, "elements are nested too deep"},
	"saml_too_complex":            {AtIdentityProvider, "there are too many or too long elements, attributes or names"},
	"saml_duplicate_id":           {AtIdentityProvider, "an ID occurs twice"},
	"saml_duplicate_attribute":    {AtIdentityProvider, "an element has the same XML attribute twice"},
	"saml_misplaced_element":      {AtIdentityProvider, "an assertion, signature or response stands where none may"},
	"saml_multiple_assertions":    {AtIdentityProvider, "there is more than one assertion"},
	"saml_no_assertion":           {AtIdentityProvider, "there is no assertion although the status is success"},
	"saml_ds_object":              {AtIdentityProvider, "a signature carries an Object"},

	// Signature.
	"saml_unsigned":          {AtIdentityProvider, "neither response nor assertion is signed"},
	"saml_signature_profile": {AtIdentityProvider, "a signature has another shape than SAML allows"},
	"saml_reference":         {AtIdentityProvider, "a signature does not refer to exactly its own element"},
	"saml_transform":         {AtIdentityProvider, "a signature uses a transform or canonicalisation that SAML does not allow"},
	"saml_algorithm":         {AtIdentityProvider, "a signature or digest algorithm is too weak or unknown"},
	"saml_weak_key":          {AtIdentityProvider, "no stored certificate has a strong enough key for this algorithm"},
	"saml_cert_unknown":      {AtConnection, "the message was signed with a certificate that is not stored here"},
	"saml_bad_signature":     {AtConnection, "no stored certificate verifies the signature"},

	// Encryption.
	"saml_decrypt":       {AtConnection, "the assertion could not be decrypted and verified"},
	"saml_not_encrypted": {AtIdentityProvider, "this connection wants encrypted assertions"},
	"saml_encrypted_id":  {AtIdentityProvider, "the NameID is encrypted by itself, which is not supported"},

	// Meaning.
	"saml_version":    {AtIdentityProvider, "the version is not 2.0"},
	"saml_id":         {AtIdentityProvider, "an ID is missing"},
	"saml_idp_status": {AtIdentityProvider, "the identity provider answered that the sign-in failed"},
	"saml_bad_issuer": {AtConnection, "the issuer is not the one of this connection"},
	"saml_bad_destination": {AtIdentityProvider,
		"the response is addressed to another place than the assertion consumer service of this domain"},
	"saml_bad_recipient":  {AtIdentityProvider, "the assertion is meant for another assertion consumer service"},
	"saml_bad_audience":   {AtIdentityProvider, "the assertion is meant for another service provider"},
	"saml_in_response_to": {AtPerson, "the response answers another request than the one of this browser"},
	"saml_unsolicited":    {AtConnection, "the response answers no request, which this connection does not allow"},
	"saml_subject":        {AtIdentityProvider, "there is not exactly one subject"},
	"saml_confirmation":   {AtIdentityProvider, "the subject is not confirmed as a bearer, exactly once"},
	"saml_conditions":     {AtIdentityProvider, "the conditions are missing or hold something unknown"},
	"saml_authn":          {AtIdentityProvider, "there is no statement of how the person signed in"},
	"saml_time":           {AtIdentityProvider, "a time is missing or not a date and time with zone"},
	"saml_not_yet_valid":  {AtIdentityProvider, "the response is from the future: a clock is wrong"},
	"saml_expired":        {AtIdentityProvider, "the response is too old: a clock is wrong, or it was kept too long"},
	"saml_lifetime":       {AtIdentityProvider, "the confirmation is valid for longer than a day"},
	"nameid_missing":      {AtIdentityProvider, "there is no NameID, or an empty one"},
	"nameid_invalid":      {AtIdentityProvider, "the NameID is too long or has invisible characters"},
	"attribute_missing":   {AtIdentityProvider, "the attribute chosen as user key is missing or empty"},
	"attribute_several":   {AtIdentityProvider, "the attribute chosen as user key has several values"},
	"attribute_invalid":   {AtIdentityProvider, "the attribute chosen as user key is too long or has invisible characters"},
}

// Codes lists every code that a Refusal of Decode or Verify can carry, sorted.
func Codes() []string {
	codes := make([]string, 0, len(meanings))
	for code := range meanings {
		codes = append(codes, code)
	}
	sort.Strings(codes)
	return codes
}

// Meaning tells in one English line what a code of Codes means; "" for any other.
func Meaning(code string) string { return meanings[code].text }

// refuse makes the refusal of a code; got must come through clip when it is a part of the message.
func refuse(code, section, want, got string) error {
	return &Refusal{Code: code, Section: section, Want: want, Got: got, Fix: meanings[code].fix}
}

// clip makes a part of a message fit for a trace: short, on one line, nothing invisible.
func clip(s string) string {
	const limit = 200
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
