// Package chaos breaks what the gateway stands on while people sign in, and says what became of the promises.
//
// Three real nodes stand behind a real HAProxy (deploy/haproxy.cfg, nothing sticky), over real PostgreSQL and Redis: one server,
// or a primary and two replicas under three sentinels. Between the nodes and Redis lies a wire of ours that can delay, cut and part
// the network. A bounded crowd signs in by SAML and by the works contract and asks every node about its sessions; each request
// goes into a history with its begin and end, and the invariants are checked over the whole of it:
//
//	(a) an assertion, a code, a state or a login handle lets somebody in at most once
//	(b) after a revocation was acknowledged no request that began more than a second later succeeds (10 s in a parted network)
//	(c) a session belongs for ever to one domain and member
//
//	town_test.go      the installation; proxy_test.go the HAProxy before it, wire_test.go the network behind it
//	people_test.go    browsers whose requests are recorded; crowd_test.go many of them at once
//	history_test.go   what was recorded, and the checker
//	redis_test.go     faults 1 to 4            state_test.go     7
//	sentinel_test.go  5 and 6, over the group of network_test.go
//	nodes_test.go     10, 11 and 18            provider_test.go  13
//	flood_test.go     19, 20 and 25            clock_test.go     14 to 16, in world_test.go: one gateway whose time can be moved
//	report_test.go    docs/chaos.md
//
// Rows are numbered as in the fault matrix of the security rules. The short form runs with every "go test" and asserts
// behaviour; it reports times and does not judge them. "make chaos" runs the full form, which takes minutes, also judges the
// promised times, and writes docs/chaos.md. All faults are brought about by processes and sockets of the test itself, on
// loopback, and all ends with it.
package chaos
