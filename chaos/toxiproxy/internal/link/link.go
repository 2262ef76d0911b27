// Package link is what the lab adds to one of Toxiproxy's proxies: its connections, its gate, and a first stage that counts.
//
// It imports anchor, clock, internals and journal alone of this program. Begin with Link.
package link

import (
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/journal"
)

// A Link is one of Toxiproxy's proxies, with what the lab measures and controls of it.
type Link struct {
	Name     string
	Proxy    *toxiproxy.Proxy
	Gate     Gate
	Accepted atomic.Int64

	// Opening is the connection being set up, under the lock of the toxic collection.
	Opening *Connection

	// Journal writes down the link's connections but the prober's; nil: none does.
	Journal *journal.Journal

	// Changing is held while toxics are added or removed, until they are attached.
	Changing sync.Mutex

	turn        chan struct{} // Held by the one connection that Join puts on the link.
	joining     *Carried      // That connection, its name, and how many there were; under the lock of the toxic collection.
	joiningName string
	joined      int64

	bytes  [stream.NumDirections]atomic.Int64 // Received, by stream, the prober's left out.
	probes atomic.Int64                       // Of the accepted ones.

	armed    atomic.Pointer[armed]
	watching sync.Mutex // Held while armed is replaced.

	mu          sync.Mutex
	connections map[string]*Connection // By the client's address.
	spec        Spec                   // As last read.
	system      string                 // Its name in the system, for the journal alone.

	queue    queue
	reviving sync.Mutex
}

// adopt puts an ingress into each stream of a proxy. Connections that are older than that are counted from now on. It returns
// false when the proxy is locked.
func adopt(name string, proxy *toxiproxy.Proxy, lines *journal.Journal) (*Link, bool) {
	l := &Link{
		Name: name, Proxy: proxy, Journal: lines, connections: map[string]*Connection{}, spec: Spec{name, proxy.Listen, proxy.Upstream},
		turn: make(chan struct{}, 1),
	}
	if !LockWithin(proxy.Toxics, LockTimeout) {
		return nil, false
	}
	defer proxy.Toxics.Unlock()
	found := internals.Sockets(proxy)
	for name := range internals.Pipelines(proxy.Toxics) {
		if client, ok := strings.CutSuffix(name, stream.Upstream.String()); ok {
			l.add(client, found, nil)
		}
	}
	for _, direction := range []stream.Direction{stream.Upstream, stream.Downstream} {
		internals.Chain(proxy.Toxics, direction)[0] = &toxics.ToxicWrapper{
			Toxic: &ingress{l, direction}, Type: "noop", Direction: direction, Toxicity: 1,
		}
		for _, c := range l.connections {
			c.FindPipeline(direction)
			if p := c.Pipeline(direction); p != nil {
				internals.Stubs(p)[0].State = &ingressState{conn: c, found: true}
			}
		}
	}
	return l, true
}

// Current returns the link's addresses and whether it is enabled. fresh is false when the proxy was locked: then the addresses are
// those last read.
func (l *Link) Current() (spec Spec, enabled, fresh bool) {
	fresh = LockWithin(l.Proxy, viewTimeout)
	l.mu.Lock()
	defer l.mu.Unlock()
	if fresh {
		l.spec = Spec{l.Name, l.Proxy.Listen, l.Proxy.Upstream}
		enabled = l.Proxy.Enabled
		l.Proxy.Unlock()
	}
	return l.spec, enabled, fresh
}

// NameInSystem writes the name that the link has in the system into the journal, where it is another one than before.
func (l *Link) NameInSystem(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.system != name && l.Journal.Name(l.Name, name) {
		l.system = name
	}
}

// LockTimeout bounds the wait for a lock that a stock API call may hold for long.
const LockTimeout = 500 * time.Millisecond

// viewTimeout bounds it for a view.
const viewTimeout = 50 * time.Millisecond

// LockWithin returns whether it could take a lock before the limit.
func LockWithin(lock interface{ TryLock() bool }, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for pause := 10 * time.Microsecond; !lock.TryLock(); pause = min(2*pause, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// accept returns the connection that is just opened, under the lock of the toxic collection: the one that Join starts, or else the one
// in Toxiproxy's list that is not in ours. Toxiproxy opens a link's connections one after the other.
func (l *Link) accept() *Connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Copied under our lock: a connection that Live has dropped meanwhile would be taken for a new one.
	found := internals.Sockets(l.Proxy)
	if l.joining != nil {
		return l.add(l.joiningName, found, l.joining)
	}
	for name, socket := range found {
		client, ok := strings.CutSuffix(name, stream.Downstream.String())
		if !ok {
			continue
		}
		existing := l.connections[client]
		if existing != nil && existing.sockets[stream.Downstream] == socket {
			continue
		}
		if existing != nil {
			existing.drain(stream.Upstream)
			existing.drain(stream.Downstream)
			existing.watched.Gone()
		}
		return l.add(client, found, nil)
	}
	return nil
}

// add adds a connection of Toxiproxy's list; joined is the one that Join starts, if it is that.
func (l *Link) add(client string, found map[string]net.Conn, joined *Carried) *Connection {
	if joined == nil {
		joined = &Carried{}
	}
	c := &Connection{link: l, client: client, Number: l.Accepted.Add(1) - 1, IsProbe: joined.IsProbe}
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		socket, ok := found[c.name(d)].(*net.TCPConn)
		if !ok {
			return nil
		}
		c.sockets[d] = socket
	}
	l.connections[client] = c
	if c.IsProbe {
		l.probes.Add(1)
	} else {
		c.watched = l.Journal.Opened(l.Name, joined.Times)
	}
	return c
}

// Connections lists the connections that have not been found ended, without waiting for the lock of the toxic collection.
func (l *Link) Connections() []*Connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.connections))
}

// Live lists the connections of which a stream still runs. It drains the streams that have ended, and drops the connections of
// which both have.
func (l *Link) Live() []*Connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Copied under our lock: a connection that was added meanwhile would be dropped.
	found := internals.Sockets(l.Proxy)
	living := make([]*Connection, 0, len(l.connections))
	for client, c := range l.connections {
		gone := 0
		for d := stream.Upstream; d < stream.NumDirections; d++ {
			// Where a client came back from the same port, its former connection takes the new one off the list when it ends.
			if found[c.name(d)] != net.Conn(c.sockets[d]) && !isOpen(c.sockets[d]) {
				c.drain(d)
				gone++
			}
		}
		if gone == int(stream.NumDirections) {
			delete(l.connections, client)
			c.watched.Gone()
		} else {
			living = append(living, c)
		}
	}
	return living
}

// Repair takes pipelines off Toxiproxy's list that have more stages than the link has toxics. Toxiproxy leaves a stage that had
// ended in its pipeline when its toxic is removed, and the next toxic would then crash the server. Such a pipeline is about to end.
// The caller holds Changing, so that no toxic is added or removed meanwhile.
func (l *Link) Repair() error {
	if !LockWithin(l.Proxy.Toxics, LockTimeout) {
		return ErrStuck
	}
	defer l.Proxy.Toxics.Unlock()
	for name, p := range internals.Pipelines(l.Proxy.Toxics) {
		if len(internals.Stubs(p)) != len(internals.Chain(l.Proxy.Toxics, internals.Direction(p))) {
			delete(internals.Pipelines(l.Proxy.Toxics), name)
		}
	}
	return nil
}
