package link

import (
	"net"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/internals"
)

// IsOpen returns whether the link takes new connections.
func (l *Link) IsOpen() bool {
	_, enabled, fresh := l.Current()
	return enabled && fresh
}

// Join does what Toxiproxy's accept loop does with a connection that was accepted elsewhere, unless the link is closed; it then
// returns false. The proxy's lock keeps a fault from closing the link meanwhile, and the link's connections in order.
func (l *Link) Join(server *toxiproxy.ApiServer, client, upstream *net.TCPConn) bool {
	if !LockWithin(l.Proxy, gateTimeout) {
		return false
	}
	defer l.Proxy.Unlock()
	if !l.Proxy.Enabled {
		return false
	}
	name := client.RemoteAddr().String()
	internals.AddSockets(l.Proxy, name, client, upstream)
	l.Proxy.Toxics.StartLink(server, name+stream.Upstream.String(), client, upstream, stream.Upstream)
	l.Proxy.Toxics.StartLink(server, name+stream.Downstream.String(), upstream, client, stream.Downstream)
	return true
}
