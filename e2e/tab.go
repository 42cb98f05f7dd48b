package e2e

import (
	"path/filepath"
	"strings"
)

// Tab is one page of a browser. Selectors are those of Playwright: CSS, or "text=…".
type Tab struct {
	b    *Browser
	name string
}

// Open goes to the address and returns the status of the page where redirects ended.
func (p *Tab) Open(address string) (status int) {
	p.b.t.Helper()
	p.must("goto", with{"url": address}, &status)
	return status
}

// Back is the back button; Reload asks again.
func (p *Tab) Back() (status int) {
	p.b.t.Helper()
	p.must("back", nil, &status)
	return status
}

// Reload loads the page again; a POST is sent again.
func (p *Tab) Reload() (status int) {
	p.b.t.Helper()
	p.must("reload", nil, &status)
	return status
}

// Fill types into an input.
func (p *Tab) Fill(selector, value string) {
	p.b.t.Helper()
	p.must("fill", with{"selector": selector, "value": value}, nil)
}

// Click clicks, and waits for a navigation that this begins.
func (p *Tab) Click(selector string) {
	p.b.t.Helper()
	p.must("click", with{"selector": selector}, nil)
}

// Press is a key: Tab, Enter, ….
func (p *Tab) Press(key string) {
	p.b.t.Helper()
	p.must("press", with{"key": key}, nil)
}

// WaitForURL waits until the address begins with the prefix and the page has loaded.
func (p *Tab) WaitForURL(prefix string) {
	p.b.t.Helper()
	if err := p.b.d.call(p.name, "waitForURL", with{"url": prefix}, nil); err != nil {
		p.b.t.Fatalf("%v\nstands at %s\n%s", err, p.URL(), p.Text("body"))
	}
}

// WaitFor waits until the page has such an element.
func (p *Tab) WaitFor(selector string) {
	p.b.t.Helper()
	if err := p.b.d.call(p.name, "waitFor", with{"selector": selector}, nil); err != nil {
		p.b.t.Fatalf("%v\nstands at %s\n%s", err, p.URL(), p.Text("body"))
	}
}

// SignIn fills a provider's form and sends it.
func (p *Tab) SignIn(how Form) {
	p.b.t.Helper()
	for name, value := range how.Fields {
		p.Fill("[name="+name+"]", value)
	}
	p.Click(how.Submit)
}

// URL is where the tab stands.
func (p *Tab) URL() (address string) {
	p.b.t.Helper()
	p.must("url", nil, &address)
	return address
}

// Title of the page.
func (p *Tab) Title() (title string) {
	p.b.t.Helper()
	p.must("title", nil, &title)
	return title
}

// Text is what a person can read in the element.
func (p *Tab) Text(selector string) (text string) {
	p.b.t.Helper()
	p.must("text", with{"selector": selector}, &text)
	return text
}

// Attribute of the first such element, "" when it has none.
func (p *Tab) Attribute(selector, name string) string {
	p.b.t.Helper()
	var value *string
	p.must("attribute", with{"selector": selector, "name": name}, &value)
	if value == nil {
		return ""
	}
	return *value
}

// Count of such elements.
func (p *Tab) Count(selector string) (n int) {
	p.b.t.Helper()
	p.must("count", with{"selector": selector}, &n)
	return n
}

// HTML of the page as it stands now.
func (p *Tab) HTML() (source string) {
	p.b.t.Helper()
	p.must("html", nil, &source)
	return source
}

// Evaluate runs JavaScript in the page and decodes its value.
func (p *Tab) Evaluate(script string, result any) {
	p.b.t.Helper()
	p.must("evaluate", with{"script": script}, result)
}

// Screenshot writes a PNG of the whole page.
func (p *Tab) Screenshot(path string) {
	p.b.t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		p.b.t.Fatal(err)
	}
	p.must("screenshot", with{"path": absolute}, nil)
}

// Problems lists what the console complained about: script errors, violations of the content security policy, failed loads.
func (p *Tab) Problems() (texts []string) {
	p.b.t.Helper()
	p.must("problems", nil, &texts)
	return texts
}

// Accessibility lists serious and critical findings of axe, each as "impact rule: first place (how many)".
func (p *Tab) Accessibility() []string {
	p.b.t.Helper()
	var all, grave []string
	p.must("axe", nil, &all)
	for _, finding := range all {
		if strings.HasPrefix(finding, "serious") || strings.HasPrefix(finding, "critical") {
			grave = append(grave, finding)
		}
	}
	return grave
}

// Close closes the tab.
func (p *Tab) Close() {
	p.b.t.Helper()
	p.must("close", nil, nil)
}

type with map[string]any

func (p *Tab) must(what string, options with, result any) {
	p.b.t.Helper()
	if err := p.b.d.call(p.name, what, options, result); err != nil {
		p.b.t.Fatal(err)
	}
}
