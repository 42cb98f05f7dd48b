package testidp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ssogate/ssogate/testidp"
)

// protect stands a service behind forward-auth and tells what the verifier was asked.
func protect(t *testing.T, verdict http.HandlerFunc) *httptest.Server {
	t.Helper()
	verifier := httptest.NewServer(verdict)
	t.Cleanup(verifier.Close)
	front := httptest.NewServer(testidp.ForwardAuth(verifier.URL+"/auth/verify", testidp.SampleService("Board", "https://sso.example/d/logout/mycompany.com")))
	t.Cleanup(front.Close)
	return front
}

func TestForwardAuthAdmits(t *testing.T) {
	var asked *http.Request
	front := protect(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r
		w.Header().Set("X-Auth-Request-User", "taro")
		w.Header().Set("Remote-Groups", "<b>staff</b>")
		w.Header().Set("X-Powered-By", "nobody's business")
	})
	b := newBrowser(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL+"/board/1?x=%2F", strings.NewReader("text=hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Auth-Request-User": {"admin"}, "X_Auth_Request_Email": {"admin@x"}, "Remote_user": {"admin"}, "X-Auth-Request-Jwt": {"forged"},
		"X-Forwarded-Host": {"evil.example"}, "X_forwarded_uri": {"/evil"}, "Cookie": {"session=1"}, "Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}}
	got := b.do(r)
	for header, want := range map[string]string{"X-Forwarded-Method": "POST", "X-Forwarded-Proto": "http", "X-Forwarded-Host": strings.TrimPrefix(front.URL, "http://"),
		"X-Forwarded-Uri": "/board/1?x=%2F", "X-Forwarded-For": "127.0.0.1", "Cookie": "session=1", "Accept": "text/html", "Sec-Fetch-Mode": "navigate",
		"X-Auth-Request-User": "", "Remote_user": "", "X_forwarded_uri": "", "Content-Length": "", "Content-Type": ""} {
		if value := strings.Join(asked.Header[header], ","); value != want {
			t.Errorf("the verifier got %s: %q", header, value)
		}
	}
	if asked.Method != http.MethodGet || asked.URL.Path != "/auth/verify" {
		t.Errorf("asked %s %s", asked.Method, asked.URL)
	}
	if !strings.Contains(got.body, "<tr><th>Remote-Groups</th><td>&lt;b&gt;staff&lt;/b&gt;</td></tr>\n<tr><th>X-Auth-Request-User</th><td>taro</td></tr>") {
		t.Errorf("the service shows %s", got.body)
	}
	if strings.Contains(got.body, "admin") || strings.Contains(got.body, "forged") || strings.Contains(got.body, "nobody") {
		t.Errorf("the browser's headers reached the service: %s", got.body)
	}
}

func TestForwardAuthRefuses(t *testing.T) {
	answer := http.StatusUnauthorized
	front := protect(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Auth-Request-User", "taro")
		w.Header().Set("Location", "https://sso.example/d/login/x")
		w.Header().Set("WWW-Authenticate", "Cookie")
		w.WriteHeader(answer)
		w.Write([]byte("who are you"))
	})
	b := newBrowser(t)
	for _, answer = range []int{302, 303, 401, 403, 503} {
		got := b.get(front.URL)
		if got.StatusCode != answer || got.body != "who are you" || got.Header.Get("WWW-Authenticate") != "Cookie" || got.Header.Get("X-Auth-Request-User") != "" {
			t.Errorf("%d becomes %d %q %v", answer, got.StatusCode, got.body, got.Header)
		}
	}
	gone := httptest.NewServer(testidp.ForwardAuth("http://127.0.0.1:1/", testidp.SampleService("Board", "")))
	defer gone.Close()
	if got := b.get(gone.URL); got.StatusCode != 502 || strings.Contains(got.body, "Board") {
		t.Errorf("without a verifier: %d %s", got.StatusCode, got.body)
	}
}

func TestSampleWithoutIdentity(t *testing.T) {
	server := httptest.NewServer(testidp.SampleService("<Board>", ""))
	defer server.Close()
	if got := newBrowser(t).get(server.URL + "/<x>"); !strings.Contains(got.body, `id="nobody"`) || strings.Contains(got.body, "<Board>") || strings.Contains(got.body, "<x>") {
		t.Errorf("shows %s", got.body)
	}
}
