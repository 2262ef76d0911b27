package link

import (
	"net"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/journal"
)

// A Carried is a connection that was accepted elsewhere than at its link's own listener, and the one that was opened for it.
type Carried struct {
	Client, Upstream *net.TCPConn
	IsProbe          bool   // The prober's, of which no client nor server of the link takes part.
	Ready            func() // Called before the first byte passes, when nothing can refuse the connection any more; may be nil.
	Times            journal.Times
}

// IsOpen returns whether the link takes new connections. A link whose lock is held for a moment does: Join then waits for it.
func (l *Link) IsOpen() bool {
	_, enabled, fresh := l.Current()
	return enabled || !fresh
}

// Join does what Toxiproxy's accept loop does with a connection that was accepted elsewhere, unless the link is closed; it then
// returns false. The proxy's lock keeps a fault from closing the link meanwhile, and the link's connections in order.
func (l *Link) Join(server *toxiproxy.ApiServer, c Carried) bool {
	if !LockWithin(l.Proxy, gateTimeout) {
		return false
	}
	defer l.Proxy.Unlock()
	if !l.Proxy.Enabled {
		return false
	}
	if c.Ready != nil {
		c.Ready()
	}
	l.join(&c)
	defer l.join(nil)
	name := c.Client.RemoteAddr().String()
	internals.AddSockets(l.Proxy, name, c.Client, c.Upstream)
	l.Proxy.Toxics.StartLink(server, name+stream.Upstream.String(), c.Client, c.Upstream, stream.Upstream)
	l.Proxy.Toxics.StartLink(server, name+stream.Downstream.String(), c.Upstream, c.Client, stream.Downstream)
	return true
}

func (l *Link) join(c *Carried) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joining = c
}
