package servers

import (
	"net"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestServersStartAndAreReachable(t *testing.T) {
	if _, err := net.Dial("tcp", Redis(t)); err != nil {
		t.Fatal(err)
	}
	a, b := Postgres(t), Postgres(t)
	if a == b || !strings.HasPrefix(a, "postgres://") {
		t.Fatalf("want two databases, got %q and %q", a, b)
	}
}
