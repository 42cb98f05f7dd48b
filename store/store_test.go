package store_test

import (
	"testing"

	"github.com/ssogate/ssogate/e2e/servers"
	"os"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }
