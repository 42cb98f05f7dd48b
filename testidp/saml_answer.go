package testidp

import (
	"encoding/base64"
	"net/http"
)

// field is one hidden field of the form that carries a response.
type field struct{ Name, Value string }

// answerSAML sends the browser to the assertion consumer service with a form that posts itself (SAML Bindings 3.5.4).
func (p *Provider) answerSAML(w http.ResponseWriter, r *http.Request, sp SAMLClient, acs, inResponseTo, relay string, s choice) {
	xml, err := p.responseFor(sp, acs, inResponseTo, s.person, s.at, s.status())
	if err != nil {
		p.fault(w, r, http.StatusInternalServerError, err)
		return
	}
	_, _, knobs := p.settings()
	xml = p.remember(acs, xml, knobs.Replay)
	noteResponse(w, xml)
	fields := envelope(xml, relay, knobs)
	if knobs.TwoFields {
		knobs.TwoFields, fields = false, append(fields, fields[0])
		fields[len(fields)-1].Value = base64.StdEncoding.EncodeToString([]byte("<forged/>"))
	}
	action := acs
	if knobs.ForeignACS != "" {
		action = knobs.ForeignACS
	}
	p.page(w, r, http.StatusOK, "post", postPage{Action: action, Fields: fields})
}

// remember keeps what was sent to an address, and gives back the last one instead when it is to be replayed.
func (p *Provider) remember(acs string, xml []byte, replay bool) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.replay[acs]; ok && replay {
		return last
	}
	p.replay[acs] = xml
	return xml
}

func envelope(xml []byte, relay string, k Knobs) []field {
	encoded := base64.StdEncoding.EncodeToString(xml)
	if k.GarbageBase64 {
		encoded = "%%% this is not base64 %%%"
	}
	switch {
	case k.WrongRelayState:
		relay = random()
	case k.NoRelayState:
		relay = ""
	case k.RelayStateURL != "":
		relay = k.RelayStateURL
	}
	fields := []field{{"SAMLResponse", encoded}}
	if relay != "" {
		fields = append(fields, field{"RelayState", relay})
	}
	return fields
}

func (p *Provider) handleMetadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Write(p.Metadata())
}
