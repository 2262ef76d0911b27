package link

import (
	"net"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/rs/zerolog"

	"stormlab/toxiproxy/internal/internals"
)

// beginsMeanwhile is how long a call may take to come to the link's lock.
const beginsMeanwhile = 50 * time.Millisecond

func newLink() *Link {
	logger := zerolog.Nop()
	proxy := toxiproxy.NewProxy(&toxiproxy.ApiServer{Logger: &logger}, "a", "127.0.0.1:0", "127.0.0.1:1")
	return &Link{Name: "a", Proxy: proxy, connections: map[string]*Connection{}}
}

// list puts a connection on Toxiproxy's list.
func (l *Link) list(client string) {
	internals.AddSockets(l.Proxy, client, &net.TCPConn{}, &net.TCPConn{})
}

func TestAConnectionThatIsAddedWhileLiveWaitsForTheLockIsNotDropped(t *testing.T) {
	l := newLink()
	found := make(chan []*Connection)
	l.mu.Lock()
	go func() { found <- l.Live() }()
	time.Sleep(beginsMeanwhile)
	l.list("new")
	l.add("new", internals.Sockets(l.Proxy), nil)
	l.mu.Unlock()
	if live := <-found; len(live) != 1 || len(l.Connections()) != 1 {
		t.Errorf("%d are live, and %d are left", len(live), len(l.Connections()))
	}
}

func TestAConnectionThatEndsWhileAnotherIsAcceptedIsNotTakenForIt(t *testing.T) {
	l := newLink()
	l.list("old")
	opened := make(chan *Connection)
	l.mu.Lock()
	go func() { opened <- l.accept() }()
	time.Sleep(beginsMeanwhile)
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		l.Proxy.RemoveConnection("old" + d.String())
	}
	l.list("new")
	l.mu.Unlock()
	if c := <-opened; c == nil || c.client != "new" {
		t.Errorf("%+v was taken for the new one", c)
	}
}
