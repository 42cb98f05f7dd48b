package testidp

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
)

// handleDiscovery is OpenID Connect Discovery 1.0 section 4.
func (p *Provider) handleDiscovery(w http.ResponseWriter, r *http.Request) {
	_, style, knobs := p.settings()
	issuer, origin := p.Issuer(), p.o.BaseURL
	if knobs.DiscoveryIssuer != "" {
		issuer = knobs.DiscoveryIssuer
	}
	if knobs.DiscoveryOrigin != "" {
		origin = knobs.DiscoveryOrigin
	}
	auth := []string{"client_secret_basic", "client_secret_post"}
	if style.ClientAuth != "" {
		auth = []string{"client_secret_" + style.ClientAuth}
	}
	document := map[string]any{
		"issuer": issuer, "authorization_endpoint": origin + "/authorize", "token_endpoint": origin + "/token",
		"userinfo_endpoint": origin + "/userinfo", "jwks_uri": origin + "/jwks", "end_session_endpoint": origin + "/logout",
		"response_types_supported": []string{"code"}, "response_modes_supported": []string{"query", "form_post"},
		"grant_types_supported": []string{"authorization_code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{algorithm(style)}, "scopes_supported": []string{"openid", "email", "profile"},
		"token_endpoint_auth_methods_supported": auth,
	}
	if !style.NoIssParameter {
		document["authorization_response_iss_parameter_supported"] = true
	}
	if !style.IgnorePKCE {
		document["code_challenge_methods_supported"] = []string{"S256"}
	}
	answerJSON(w, http.StatusOK, document)
}

// handleJWKS is the key set (RFC 7517) with every published key.
func (p *Provider) handleJWKS(w http.ResponseWriter, r *http.Request) {
	var keys []map[string]string
	for _, name := range []Key{KeyRSA, KeyNext, KeyEC, KeyEd25519} {
		keys = append(keys, p.keys.pair(name).jwk())
	}
	answerJSON(w, http.StatusOK, map[string]any{"keys": keys})
}

// jwk writes the public key (RFC 7518 section 6, RFC 8037 section 2).
func (k keyPair) jwk() map[string]string {
	encode := base64.RawURLEncoding.EncodeToString
	jwk := map[string]string{"kid": string(k.id), "use": "sig"}
	switch key := k.signer.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes())
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(key)
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y
		if err != nil {
			return jwk
		}
		half := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", encode(point[1:1+half]), encode(point[1+half:])
	}
	return jwk
}
