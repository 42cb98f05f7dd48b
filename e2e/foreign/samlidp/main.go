// The identity provider that comes with crewjam/saml, for one service provider. It signs with RSA-SHA256 (its own default is
// SHA-1) and encrypts whenever the service provider's metadata names a key. Everybody's password is "password".
package main

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/crewjam/saml/samlidp"
	dsig "github.com/russellhaering/goxmldsig"
	"golang.org/x/crypto/bcrypt"
)

// The built-in form posts to /login and loses the request; this one goes back to /sso by the POST binding.
const form = `<!doctype html><html lang="en"><title>Sign in</title><p>{{.Toast}}</p><form method="post" action="/sso">
<input name="user"><input type="password" name="password"><input type="hidden" name="SAMLRequest" value="{{.SAMLRequest}}">
<input type="hidden" name="RelayState" value="{{.RelayState}}"><button type="submit">Sign in</button></form></html>`

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1, known to browsers as localhost")
	key := flag.String("key", "", "PEM file of the RSA key")
	cert := flag.String("cert", "", "PEM file of the certificate")
	sp := flag.String("sp", "", "metadata file of the service provider")
	users := flag.String("users", "", "comma-separated e-mail addresses of the people")
	flag.Parse()

	handler, err := provider(*port, *key, *cert, *sp, strings.Split(*users, ","))
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", *port), Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func provider(port int, key, cert, sp string, users []string) (http.Handler, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(sp)
	if err != nil {
		return nil, err
	}
	store := &samlidp.MemoryStore{}
	service := samlidp.Service{Name: "gateway"}
	if err := xml.Unmarshal(raw, &service.Metadata); err != nil {
		return nil, err
	}
	if err := store.Put("/services/gateway", service); err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	for _, user := range users {
		name, _, _ := strings.Cut(user, "@")
		person := samlidp.User{Name: name, Email: user, HashedPassword: hash, CommonName: name, Surname: "Family", GivenName: name}
		if err := store.Put("/users/"+user, person); err != nil {
			return nil, err
		}
	}
	base := url.URL{Scheme: "http", Host: fmt.Sprintf("localhost:%d", port)}
	server, err := samlidp.New(samlidp.Options{
		URL: base, Key: pair.PrivateKey.(*rsa.PrivateKey), Certificate: leaf, Store: store,
		LoginFormTemplate: template.Must(template.New("form").Parse(form)),
	})
	if err != nil {
		return nil, err
	}
	server.IDP.SignatureMethod = dsig.RSASHA256SignatureMethod
	return server, nil
}
