// The example provider of zitadel/oidc with one client: its issuer ends with a slash and the e-mail stands only in user info.
// It is made for a test: it listens on loopback and ends with the test that started it.
package main

import (
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1, known to browsers as localhost")
	id := flag.String("client-id", "", "client ID")
	secret := flag.String("client-secret", "", "client secret")
	redirect := flag.String("redirect-uri", "", "redirect URI of the client")
	users := flag.String("users", "", "JSON file of the people: {\"id1\": {\"ID\": \"id1\", \"Username\": …}}")
	flag.Parse()

	storage.RegisterClients(storage.WebClient(*id, *secret, *redirect))
	people, err := storage.StoreFromFile(*users)
	if err != nil {
		log.Fatal(err)
	}
	issuer := fmt.Sprintf("http://localhost:%d/", *port)
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server := &http.Server{
		Addr:              fmt.Sprintf("127.0.0.1:%d", *port),
		Handler:           exampleop.SetupServer(issuer, storage.NewStorage(people), logger, false),
		ReadHeaderTimeout: 5 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
