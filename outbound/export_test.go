package outbound

import (
	"context"
	"net"
	"time"
)

// NewFast is New with other times, so that tests of the time limits take no seconds.
func NewFast(o Options, connect, tls, firstByte, whole time.Duration) (*Client, error) {
	return newClient(o, times{connect: connect, tls: tls, firstByte: firstByte, whole: whole})
}

// Dial connects past the URL rules: the check on the resolved address alone.
func (c *Client) Dial(ctx context.Context, address string) (net.Conn, error) {
	return c.secure.DialContext(ctx, "tcp", address)
}

// Sizes is how many keys and breakers are remembered.
func (c *Client) Sizes() (keys, hosts int) { return len(c.slots.used), len(c.breakers.byID) }

// MaxBreakers is the bound.
const MaxBreakers = maxBreakers
