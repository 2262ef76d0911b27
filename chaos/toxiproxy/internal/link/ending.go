package link

import (
	"net"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"golang.org/x/sys/unix"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/journal"
)

const (
	// tcpClose is TCP_CLOSE of the kernel's tcp_states.h: reset by the other end, or given up.
	tcpClose = 7
	// The kernel's own limits are 9 probes, as Go sets them, and some 15 retransmissions. With as many as these it gave up.
	manyProbes          = 8
	manyRetransmissions = 10
	chainTimeout        = 20 * time.Millisecond
)

// received records what came from the source of one direction.
func (c *Connection) received(d stream.Direction, chunk *stream.StreamChunk) {
	if c != nil {
		c.watched.Received(journal.Side(d), chunk.Data, chunk.Timestamp)
	}
}

// streamEnded records the end of the stream in one direction, at its source.
func (c *Connection) streamEnded(d stream.Direction) {
	if c == nil || c.watched == nil {
		return
	}
	source, other := c.sockets[1-d], c.sockets[d]
	how, open := socketEnd(source)
	if !open {
		how = journal.Closed
		// Toxiproxy closes a socket to which it could not write, and that may be earlier than the reset is read.
		if _, otherOpen := socketEnd(other); otherOpen && c.watched.IsWhole() && !c.hasToxics(1-d) {
			how = journal.RST
		}
	}
	c.watched.Ended(journal.Side(d), how)
}

// socketEnd returns how the peer of a socket ended the stream that comes from it, and whether the socket itself is open still.
func socketEnd(socket *net.TCPConn) (how string, open bool) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return "", false
	}
	how = journal.FIN
	open = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		switch {
		case err != nil || info.State != tcpClose:
		case info.Probes >= manyProbes || info.Retransmits >= manyRetransmissions:
			how = journal.Timeout
		default:
			how = journal.RST
		}
	}) == nil
	return how, open
}

// hasToxics returns whether a toxic may have ended a stream; true where that cannot be read at once.
func (c *Connection) hasToxics(d stream.Direction) bool {
	if !LockWithin(c.link.Proxy.Toxics, chainTimeout) {
		return true
	}
	defer c.link.Proxy.Toxics.Unlock()
	return len(internals.Chain(c.link.Proxy.Toxics, d)) > 1
}
