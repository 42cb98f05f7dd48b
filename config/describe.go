package config

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Describe writes the reference as a YAML file with every key, its default, its environment variable and what it means. The
// file can be loaded as it is: it then sets nothing but the defaults.
func Describe(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Every setting of ssogate, with its default.
#
# The environment goes before this file: SSOGATE_REDIS_MODE sets redis.mode, SSOGATE_REDIS_PASSWORD_FILE names a file that
# holds redis.password. Secrets can also be named here by file (password_file: /run/secrets/redis), and every text may refer
# to others: ${env:NAME}, ${file:/path}; $${ is ${ itself. Durations are written 90s, 30m, 24h.
`)
	p := printer{w: &b, annotate: true}
	p.section(newLoader().tree, "")
	_, err := io.WriteString(w, b.String())
	return err
}

// Redacted is the configuration as a YAML file, without its secrets.
func (c *Config) Redacted() string {
	var b strings.Builder
	f := fileOf(c)
	p := printer{w: &b, redact: true, services: f.Services}
	p.section(tree(f), "")
	return b.String()
}

// printer writes a tree of settings as YAML.
type printer struct {
	w        *strings.Builder
	annotate bool // with documentation
	redact   bool // without secrets
	services []serviceFile
}

func (p printer) section(s *section, indent string) {
	for _, e := range s.entries {
		switch {
		case e.section != nil:
			p.note(indent, e.doc, "")
			fmt.Fprintf(p.w, "%s%s:\n", indent, e.key)
			p.section(e.section, indent+"  ")
		case e.services:
			p.note(indent, e.doc, "")
			p.serviceList(indent + e.key)
		default:
			p.note(indent, e.setting.doc, e.setting.env)
			fmt.Fprintf(p.w, "%s%s: %s\n", indent, e.key, p.value(e.setting))
		}
	}
}

func (p printer) note(indent, doc, env string) {
	if !p.annotate {
		return
	}
	p.w.WriteString("\n")
	for _, line := range wrap(doc, 118-len(indent)) {
		fmt.Fprintf(p.w, "%s# %s\n", indent, line)
	}
	if env != "" {
		fmt.Fprintf(p.w, "%s# Environment: %s\n", indent, env)
	}
}

func (p printer) serviceList(key string) {
	if p.annotate {
		fmt.Fprintf(p.w, "%s: []\n#  - name: board\n#    access_hosts: [board.example.com, \"*.corp.example\"]\n", key)
		return
	}
	if len(p.services) == 0 {
		fmt.Fprintf(p.w, "%s: []\n", key)
		return
	}
	fmt.Fprintf(p.w, "%s:\n", key)
	for _, s := range p.services {
		fmt.Fprintf(p.w, "  - name: %s\n    access_hosts: %s\n", scalar(s.Name), list(s.AccessHosts))
	}
}

func (p printer) value(t *setting) string {
	switch t.kind {
	case "number":
		return strconv.FormatInt(t.value.Int(), 10)
	case "switch":
		return strconv.FormatBool(t.value.Bool())
	case "numbers":
		var items []string
		for _, n := range t.value.Interface().([]int) {
			items = append(items, strconv.Itoa(n))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case "list":
		items := t.value.Interface().([]string)
		if p.redact && t.secret && len(items) > 0 {
			return fmt.Sprintf("[] # %d not shown", len(items))
		}
		return list(items)
	}
	text := t.value.String()
	if p.redact && t.secret && text != "" {
		if !t.address {
			return `"" # not shown`
		}
		return masked(text)
	}
	return scalar(text)
}

// masked shows where a database or proxy is, without what opens it.
func masked(text string) string {
	if strings.HasPrefix(text, "sqlite:") {
		return scalar(text)
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" || u.Opaque != "" {
		return `"" # not shown`
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	for key := range query {
		if key != "sslmode" && key != "host" && key != "port" {
			query.Del(key)
		}
	}
	u.RawQuery, u.Fragment = query.Encode(), ""
	return scalar(u.String()) + " # without its password"
}

func list(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = scalar(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

var (
	plain    = regexp.MustCompile(`^[A-Za-z./][A-Za-z0-9./_-]*(://[A-Za-z0-9./_-]+(:[0-9]+)?)?$|^([0-9]+(h|m|s|ms))+$`)
	reserved = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n|\.nan|\.inf)$`)
)

// scalar writes a text so that YAML reads it back as the same text.
func scalar(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	if plain.MatchString(text) && !reserved.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// Markdown writes docs/configuration.md.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

ssogate reads one YAML file (` + "`ssogate serve --config /etc/ssogate/ssogate.yaml`" + `) and, over it, the environment. Without either it runs on
the defaults below: reachable on the loopback address only, everything kept in ` + "`./ssogate-data`" + `.

- **Strict.** A key that does not exist, a value of the wrong kind, a setting that another one makes void, a variable
  ` + "`SSOGATE_…`" + ` that means nothing: each is a fault, all are reported at once with their lines, and the process does not start.
- **Environment.** ` + "`redis.mode` is `SSOGATE_REDIS_MODE`" + `; lists take commas. Behind every variable ` + "`_FILE`" + ` may be added: it then names a
  file that holds the value. Setting both is a fault.
- **Secrets by file.** Keys marked *secret* also exist with ` + "`_file`" + ` at the end: ` + "`password_file: /run/secrets/redis`" + `.
- **References.** Inside every text of the file, ` + "`${env:NAME}` and `${file:/path}`" + ` are replaced; ` + "`$${`" + ` is written for ` + "`${`" + ` itself.
- **Durations** are written ` + "`90s`, `30m`, `24h`" + `.
- Variables that Kubernetes sets for a Service named ssogate (` + "`SSOGATE_SERVICE_HOST`, `SSOGATE_PORT…`" + `), ` + "`SSOGATE_CONFIG`" + ` and
  ` + "`SSOGATE_TEST_…`" + ` are no settings and are passed over.

This page is made from the program: do not edit it, run ` + "`go test ./config -run TestReference -update`" + `.
`)
	root := newLoader().tree
	b.WriteString("\n## General\n")
	table(&b, root)
	for _, e := range root.entries {
		switch {
		case e.section != nil:
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", e.key, e.doc)
			table(&b, e.section)
		case e.services:
			fmt.Fprintf(&b, "\n## %s\n\n%s They cannot be set by the environment.\n", e.key, e.doc)
			b.WriteString("\n```yaml\nservices:\n  - name: board\n    access_hosts: [board.example.com, \"*.corp.example\"]\n```\n")
			var s serviceFile
			table(&b, serviceSection(&s, "services[]"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table is one section of the page.
func table(b *strings.Builder, s *section) {
	b.WriteString("\n| Key | Default | Environment | Meaning |\n|---|---|---|---|\n")
	for _, e := range s.entries {
		t := e.setting
		if t == nil {
			continue
		}
		preset, env, doc := "", "`"+t.env+"`", t.doc
		if t.preset != "" {
			preset = "`" + t.preset + "`"
		}
		if strings.HasPrefix(t.path, "services[]") {
			env = ""
		}
		if t.secret {
			doc += " *Secret.*"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", t.path, preset, env, strings.ReplaceAll(strings.ReplaceAll(doc, "|", `\|`), "<", "&lt;"))
	}
}
