package testidp

import (
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// isIdentity says whether a header name, in any spelling, is one by which services learn who is signed in. Underscores count as
// hyphens: many application servers see no difference.
func isIdentity(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return strings.HasPrefix(name, "x-auth-request-") || strings.HasPrefix(name, "remote-")
}

// SampleService is a service of the demo: one page that shows which identity headers reached it. signOut is the address of
// the sign-out link; empty leaves it out.
func SampleService(name, signOut string) http.Handler {
	page := template.Must(pages().New("sample").Parse(samplePage))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var identity []field
		for header, values := range r.Header {
			if isIdentity(header) {
				identity = append(identity, field{header, strings.Join(values, ", ")})
			}
		}
		slices.SortFunc(identity, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		data := struct {
			Name, SignOut, Path string
			Identity            []field
		}{name, signOut, r.URL.RequestURI(), identity}
		if err := page.ExecuteTemplate(w, "sample", data); err != nil {
			return // the browser went away: nobody is left to be told
		}
	})
}

const samplePage = `{{template "head" .Name}}
<main class="wide">
<p class="kind">A sample service behind single sign-on</p>
<h1>{{.Name}}</h1>
<p>You asked for <code>{{.Path}}</code>.</p>
{{if .Identity}}<p>The service was told who you are:</p>
<table id="identity"><tbody>{{range .Identity}}
<tr><th>{{.Name}}</th><td>{{.Value}}</td></tr>{{end}}
</tbody></table>{{else}}<p id="nobody">No identity header reached the service.</p>{{end}}
{{if .SignOut}}<p><a href="{{.SignOut}}" id="sign-out">Sign out</a></p>{{end}}
</main>
</body>
</html>`
