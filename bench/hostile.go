package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ssogate/ssogate/testidp"
)

const hostileBytes = 10 << 20

// hostile are requests of one route that are meant to hurt.
type hostile struct {
	route string
	all   []*http.Request
}

// hostileCPU and hostileMemory name what the worst request of a route costs, in ms and in MiB allocated.
func hostileCPU(route string) string    { return "hostile time " + route }
func hostileMemory(route string) string { return "hostile memory " + route }

// hostileRoutes are those that strangers reach and that read what strangers wrote.
func hostileRoutes() []string { return []string{"acs", "callback", "verify", "metadata"} }

// measureHostile sends each request alone and takes the worst of each route.
func measureHostile(ctx context.Context, _ options) (results, error) {
	l, err := newLoad(ctx, (*load).domains)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if l.cookie, err = l.login(ctx); err != nil {
		return nil, err
	}
	routes, err := l.hostile(ctx)
	if err != nil {
		return nil, err
	}
	all := results{}
	for _, h := range routes {
		var times, memory costs
		for _, r := range h.all {
			ms, mib, err := l.suffer(ctx, r)
			if err != nil {
				return nil, fmt.Errorf("bench: hostile request to %s: %w", h.route, err)
			}
			times, memory = append(times, ms), append(memory, mib)
		}
		all[hostileCPU(h.route)] = costs{slices.Max(times)}
		all[hostileMemory(h.route)] = costs{slices.Max(memory)}
	}
	return all, nil
}

func (l *load) post(path, body string) *http.Request {
	r, _ := http.NewRequest(http.MethodPost, l.gateway.url+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// hostile makes the requests.
func (l *load) hostile(ctx context.Context) ([]hostile, error) {
	acs, err := l.hostileAnswers(ctx)
	if err != nil {
		return nil, err
	}
	post := l.post
	get := func(path, header, value string) *http.Request {
		r, _ := http.NewRequest(http.MethodGet, l.gateway.url+path, nil)
		if header != "" {
			r.Header.Set(header, value)
		}
		return r
	}
	wide := strings.Repeat("a", 60<<10) // about what the server takes of headers and address together
	callback := "/oauth/" + domain + "/callback"
	verify := []*http.Request{get("/auth/verify", "Cookie", strings.Repeat("ssogate_session=a.b.c; ", 2600)),
		get("/auth/verify", "Cookie", "ssogate_session="+wide), get("/auth/verify?"+wide, "Cookie", l.cookie),
		get("/auth/verify", "X-Forwarded-For", strings.Repeat("1,", 30<<10)), post("/auth/verify", strings.Repeat("a", hostileBytes))}
	return []hostile{
		{"acs", acs},
		{"callback", []*http.Request{get(callback+"?state="+wide+"&code=x", "", ""), get(callback+"?"+strings.Repeat("a=b&", 15<<10), "", ""),
			post(callback, strings.Repeat("a=b&", hostileBytes/4))}},
		{"verify", verify},
		{"metadata", []*http.Request{get("/saml/"+domain+"/metadata?"+wide, "", ""), get("/saml/"+wide+"/metadata", "", ""),
			get("/saml/"+domain+"/metadata", "Accept-Language", strings.Repeat("a,", 30<<10)),
			post("/saml/"+domain+"/metadata", strings.Repeat("a", hostileBytes))}},
	}, nil
}

// hostileAnswers come to the assertion consumer service from somebody who did begin a login, so that they are read as far as
// they can be: documents of strangers, and answers of the provider itself that are as large as it likes.
func (l *load) hostileAnswers(ctx context.Context) (all []*http.Request, err error) {
	add := func(document []byte) error {
		to, binding, err := l.depart(ctx, domain)
		if err != nil {
			return err
		}
		form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(document)}, "RelayState": {to.Query().Get("RelayState")}}
		r := l.post("/acs/"+domain, form.Encode())
		r.Header.Set("Cookie", binding)
		all = append(all, r)
		return nil
	}
	for _, size := range []int{64 << 10, 180 << 10, 250 << 10, 900 << 10, hostileBytes} {
		for _, document := range hostileDocuments(size) {
			if err := add([]byte(document)); err != nil {
				return nil, err
			}
		}
		large := employee()
		large.Login, large.Attributes = fmt.Sprint("large", size), map[string][]string{}
		for i := range size / 100 {
			large.Attributes["a"+strconv.Itoa(i%500)] = append(large.Attributes["a"+strconv.Itoa(i%500)], "forty bytes of a value that is not short")
		}
		l.provider.AddPerson(large)
		response, err := l.provider.Response(testidp.ResponseTo{
			ServiceProvider: l.gateway.url + "/saml/" + domain + "/metadata", Login: large.Login, InResponseTo: "_of-nobody",
		})
		if err == nil {
			err = add(response)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l.post("/acs/"+domain, strings.Repeat("a=b&", size/4)), l.post("/acs/"+domain, strings.Repeat("%41", size/3)),
			l.post("/acs/"+domain, "SAMLResponse="+strings.Repeat("A", size)))
	}
	return all, nil
}

// hostileDocuments are about n bytes long each.
func hostileDocuments(n int) []string {
	fill := func(head, part, tail string) string { return head + strings.Repeat(part, n/len(part)) + tail }
	const response = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a" Version="2.0">`
	return []string{
		fill("", "<a>", ""),
		fill(response, "<saml:Assertion/>", "</samlp:Response>"),
		fill(response, "<a xmlns:b='c' d='e'/>", "</samlp:Response>"),
		fill(response, "&amp;&#65;", "</samlp:Response>"),
		fill("<a", " b='c'", "/>"),
		fill("<!DOCTYPE a [", "<!ENTITY b 'cccccccccccccc'>", "]><a>&b;</a>"),
		fill("<?xml version='1.0'?><!--", "-", "--><a/>"),
	}
}

// suffer sends one request and says what it cost the server: processor time in ms and allocated memory in MiB.
func (l *load) suffer(ctx context.Context, r *http.Request) (ms, mib float64, err error) {
	idle, err := l.allocated(ctx) // what asking costs by itself
	if err != nil {
		return 0, 0, err
	}
	before, err := l.allocated(ctx)
	if err != nil {
		return 0, 0, err
	}
	began, err := timeOf(l.gateway.cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	// A server that has heard enough closes the connection: what the client sees of it does not matter.
	if answer, err := l.client.Do(r.WithContext(ctx)); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode >= http.StatusInternalServerError {
			return 0, 0, fmt.Errorf("answered %d", answer.StatusCode)
		}
	}
	ended, err := timeOf(l.gateway.cmd.Process.Pid)
	if err != nil {
		return 0, 0, err
	}
	after, err := l.allocated(ctx)
	if err != nil {
		return 0, 0, err
	}
	return float64((ended - began).Microseconds()) / 1e3, max(0.01, (after-before)-(before-idle)), nil
}

// allocated is how many MiB the gateway has ever allocated.
func (l *load) allocated(ctx context.Context) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.place.operator+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := l.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("bench: metrics: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("bench: metrics: %w", err)
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("go_memstats_alloc_bytes_total ")); ok {
			n, err := strconv.ParseFloat(string(bytes.TrimSpace(rest)), 64)
			return n / (1 << 20), err
		}
	}
	return 0, fmt.Errorf("bench: metrics tell nothing of memory")
}
