package main

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
)

// A link is what we know of one of Toxiproxy's proxies.
type link struct {
	name     string
	proxy    *toxiproxy.Proxy
	bytes    [stream.NumDirections]atomic.Int64 // Received, by stream.
	accepted atomic.Int64

	// opening is the connection being set up, under the lock of the toxic collection.
	opening *connection

	// changing is held while toxics come or go, until they are settled.
	changing sync.Mutex

	mu          sync.Mutex
	connections map[string]*connection // By the client's address.
	spec        linkSpec               // As of the last look.

	door     door
	queue    queue
	reviving sync.Mutex
}

// adopt puts our entrances into a proxy. Connections that are older than that are counted from now on.
func adopt(name string, proxy *toxiproxy.Proxy) (*link, bool) {
	l := &link{name: name, proxy: proxy, connections: map[string]*connection{}, spec: linkSpec{name, proxy.Listen, proxy.Upstream}}
	if !lockWithin(proxy.Toxics, lockTime) {
		return nil, false
	}
	defer proxy.Toxics.Unlock()
	found := sockets(proxy)
	for name := range pipelinesOf(proxy.Toxics) {
		if client, ok := strings.CutSuffix(name, stream.Upstream.String()); ok {
			l.add(client, found)
		}
	}
	for _, direction := range []stream.Direction{stream.Upstream, stream.Downstream} {
		chainOf(proxy.Toxics, direction)[0] = &toxics.ToxicWrapper{
			Toxic: &entrance{l, direction}, Type: "noop", Direction: direction, Toxicity: 1,
		}
		for _, c := range l.connections {
			c.find(direction)
			if p := c.pipelines[direction].Load(); p != nil {
				stubsOf(p)[0].State = &arrival{conn: c, found: true}
			}
		}
	}
	return l, true
}

// look gives where a link listens and leads, and whether it is enabled. It says false when the proxy was locked, and then gives what
// it knew.
func (l *link) look() (spec linkSpec, enabled, fresh bool) {
	fresh = lockWithin(l.proxy, viewTime)
	l.mu.Lock()
	defer l.mu.Unlock()
	if fresh {
		l.spec = linkSpec{l.name, l.proxy.Listen, l.proxy.Upstream}
		enabled = l.proxy.Enabled
		l.proxy.Unlock()
	}
	return l.spec, enabled, fresh
}

// lockTime bounds the wait for a lock that a stock API call may hold for long.
const lockTime = 500 * time.Millisecond

// viewTime bounds it for those who only look.
const viewTime = 50 * time.Millisecond

func lockWithin(lock interface{ TryLock() bool }, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for pause := 10 * time.Microsecond; !lock.TryLock(); pause = min(2*pause, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// accept finds the connection that Toxiproxy has just opened: the one in its list that we do not know. Toxiproxy opens a
// link's connections one after the other.
func (l *link) accept() *connection {
	found := sockets(l.proxy)
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, socket := range found {
		client, ok := strings.CutSuffix(name, stream.Downstream.String())
		if !ok {
			continue
		}
		known := l.connections[client]
		if known != nil && known.sockets[stream.Downstream] == socket {
			continue
		}
		if known != nil {
			known.drain(stream.Upstream)
			known.drain(stream.Downstream)
		}
		return l.add(client, found)
	}
	return nil
}

func (l *link) add(client string, found map[string]net.Conn) *connection {
	c := &connection{link: l, client: client, accepted: time.Now(), number: l.accepted.Add(1) - 1}
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		socket, ok := found[c.name(d)].(*net.TCPConn)
		if !ok {
			return nil
		}
		c.sockets[d] = socket
	}
	l.connections[client] = c
	return c
}

// known lists the connections that have not been found gone, without waiting for the lock of the toxic collection.
func (l *link) known() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.connections))
}

// live lists the connections of which a stream still runs. It drains the streams that have ended, and forgets the connections
// of which both have.
func (l *link) live() []*connection {
	found := sockets(l.proxy)
	l.mu.Lock()
	defer l.mu.Unlock()
	living := make([]*connection, 0, len(l.connections))
	for client, c := range l.connections {
		gone := 0
		for d := stream.Upstream; d < stream.NumDirections; d++ {
			if found[c.name(d)] != net.Conn(c.sockets[d]) {
				c.drain(d)
				gone++
			}
		}
		if gone == int(stream.NumDirections) {
			delete(l.connections, client)
		} else {
			living = append(living, c)
		}
	}
	return living
}

// mend takes pipelines off Toxiproxy's list that have more stages than the link has toxics. Toxiproxy leaves a stage that had
// ended in its pipeline when its toxic is removed, and the next toxic would then crash the server. Such a pipeline is about to end.
// The caller holds changing, so that no toxic comes or goes meanwhile.
func (l *link) mend() error {
	if !lockWithin(l.proxy.Toxics, lockTime) {
		return errStuck
	}
	defer l.proxy.Toxics.Unlock()
	for name, p := range pipelinesOf(l.proxy.Toxics) {
		if len(stubsOf(p)) != len(chainOf(l.proxy.Toxics, directionOf(p))) {
			delete(pipelinesOf(l.proxy.Toxics), name)
		}
	}
	return nil
}
