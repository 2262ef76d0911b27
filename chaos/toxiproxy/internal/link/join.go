package link

import (
	"errors"
	"fmt"
	"net"
	"time"

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

var (
	// ErrClosed is the error of a connection to a link that takes none: a fault keeps it closed, or it is disabled.
	ErrClosed = errors.New("the link takes no connections")
	// ErrBusy is the error of a connection to a link that something else kept locked for too long; no fault refused it.
	ErrBusy = errors.New("the link was locked for too long")
)

// joinTimeout bounds the wait for the connections of the same link that came before.
const joinTimeout = 5 * time.Second

// Join does what Toxiproxy's accept loop does with a connection that was accepted elsewhere, under a name that no other connection
// has: a client may come back from the same port while a fault still keeps its former connection. It returns ErrClosed or ErrBusy where
// the link does not take it. The proxy's lock keeps a fault from closing the link meanwhile; connections wait for it in their order.
func (l *Link) Join(server *toxiproxy.ApiServer, c Carried) error {
	limit := time.NewTimer(joinTimeout)
	defer limit.Stop()
	select {
	case l.turn <- struct{}{}: // Those that wait for a channel get it in the order in which they came.
	case <-limit.C:
		return ErrBusy
	}
	defer func() { <-l.turn }()
	if !LockWithin(l.Proxy, gateTimeout) {
		return ErrBusy
	}
	defer l.Proxy.Unlock()
	if !l.Proxy.Enabled {
		return ErrClosed
	}
	if c.Ready != nil {
		c.Ready()
	}
	l.start(server, &c)
	return nil
}

// start starts both streams of a connection under the lock of the toxic collection, so that each stage's NewState is that of this
// connection and of no other.
func (l *Link) start(server *toxiproxy.ApiServer, c *Carried) {
	l.Proxy.Toxics.Lock()
	defer l.Proxy.Toxics.Unlock()
	l.joined++
	name := fmt.Sprintf("%s#%d", c.Client.RemoteAddr(), l.joined)
	internals.AddSockets(l.Proxy, name, c.Client, c.Upstream)
	l.joining, l.joiningName = c, name
	defer func() { l.joining = nil }()
	ends := [stream.NumDirections]*net.TCPConn{stream.Upstream: c.Upstream, stream.Downstream: c.Client}
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		pipeline := toxiproxy.NewToxicLink(l.Proxy, l.Proxy.Toxics, d, *l.Proxy.Logger)
		pipeline.Start(server, name+d.String(), ends[1-d], ends[d])
		internals.Pipelines(l.Proxy.Toxics)[name+d.String()] = pipeline
	}
}
