// Package storetest is the promise of directory.Store, audit.Trace and audit.Log as tests. Every way of keeping the directory
// runs it: a rule that holds on one database and not on the other is a fault.
package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ssogate/ssogate/audit"
	"github.com/ssogate/ssogate/directory"
)

// Node is one process's view of a database.
type Node interface {
	directory.Store
	audit.Trace
	audit.Log
	Close() error
}

// Database is an empty database made for one test.
type Database interface {
	// Open opens one more node on the database. The caller closes it.
	Open(t *testing.T) Node
	// Dump is everything that somebody who steals the database has.
	Dump(t *testing.T) []byte
}

// Run runs the suite, with a new database for every test.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s Node)
	}{
		{"domain round trip", testDomain},
		{"domain conflicts", testDomainConflicts},
		{"domain pages", testDomainPages},
		{"domain removal takes everything along", testDomainRemoval},
		{"drafts and revisions", testDrafts},
		{"activation", testActivation},
		{"oauth secret", testSecret},
		{"metadata", testMetadata},
		{"metadata addresses", testMetadataURLs},
		{"member round trip", testMember},
		{"member versions", testMemberVersions},
		{"member uniqueness", testMemberUniqueness},
		{"member lookups", testMemberLookups},
		{"member lists", testMemberLists},
		{"member moves", testMemberMoves},
		{"member purge", testMemberPurge},
		{"revocations", testRevocations},
		{"keys", testKeys},
		{"services", testServices},
		{"attempts", testAttempts},
		{"attempt filters", testAttemptFilters},
		{"attempt trimming", testAttemptTrimming},
		{"events", testEvents},
		{"transactions", testTransactions},
		{"given up", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fresh(t).Open(t)
			t.Cleanup(func() { s.Close() })
			c.test(t, s)
		})
	}
	for _, c := range []struct {
		name string
		test func(t *testing.T, db Database)
	}{
		{"several nodes start at once", testStarts},
		{"one account for two nodes", testAccountRace},
		{"one version for two nodes", testVersionRace},
		{"one live connection for two nodes", testActivateRace},
		{"one draft for two nodes", testDraftRace},
		{"revocations of two nodes", testRevokeRace},
		{"restart", testRestart},
		{"a dump holds no secret", testDump},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, fresh(t)) })
	}
}

// noon is a time as the store keeps it: UTC, microseconds.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

func aDomain(name string) directory.Domain {
	return directory.Domain{
		ID: "dom_" + name, Name: name, SSO: true, UserKey: directory.ByExternalKey, Language: "ja-JP", TimeZone: "Asia/Tokyo",
		SetExpireTime: true, SessionIdle: 30 * time.Minute, SessionAbsolute: 12 * time.Hour, JustInTime: true,
		LogoutRedirectionDomains: []string{"board.example.com"}, Generation: 3, Created: noon, Updated: noon.Add(time.Second),
	}
}

func aMember(domain, local string) directory.Member {
	return directory.Member{
		ID: "mem_" + local + "_" + domain, DomainID: "dom_" + domain, Account: local + "@" + domain, ExternalKey: "Key-" + local,
		FamilyName: "山田", GivenName: "Tarō", NickName: "T", PrivateMail: local + "@home.example", Language: "ja-JP", TimeZone: "Asia/Tokyo",
		Status: directory.StatusInUse, Created: noon, Updated: noon,
	}
}

func aSAML(domain string) directory.Connection {
	return directory.Connection{DomainID: "dom_" + domain, State: directory.Draft, Type: directory.SAML, Created: noon, SAML: &directory.SAMLSettings{
		EntityID: "https://idp." + domain, SSOURL: "https://idp." + domain + "/sso", Binding: directory.BindingPOST,
		Certificates: []string{"-----BEGIN CERTIFICATE-----"}, MetadataURL: "https://idp." + domain + "/metadata", MetadataKeys: directory.KeysAdd,
		NameAttributes: []string{"sn", "givenName"}, SignRequests: true, InsecureSHA1Until: noon,
	}}
}

func anOAuth(domain, secret string) directory.Connection {
	return directory.Connection{DomainID: "dom_" + domain, State: directory.Draft, Type: directory.OAuth, Created: noon, OAuth: &directory.OAuthSettings{
		Profile: directory.ProfileOIDC, ClientID: "client", ClientSecret: secret, Issuer: "https://idp." + domain, Scopes: []string{"openid", "email"},
	}}
}

func putDomain(t *testing.T, s Node, name string) directory.Domain {
	t.Helper()
	d := aDomain(name)
	check(t, s.PutDomain(t.Context(), d))
	return d
}

func putMember(t *testing.T, s Node, m directory.Member) directory.Member {
	t.Helper()
	m, err := s.PutMember(t.Context(), m)
	check(t, err)
	return m
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// must gives the value of a read.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		check(t, err)
		return v
	}
}
