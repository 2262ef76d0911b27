package main

import (
	"net"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
)

// A connection is a client's, and the one to the server that Toxiproxy opened for it.
type connection struct {
	link     *link
	number   int64 // How manieth of its link, in the order they were accepted.
	client   string
	accepted time.Time
	// By stream: the socket that receives its bytes, and Toxiproxy's pipeline for it.
	sockets   [stream.NumDirections]*net.TCPConn
	pipelines [stream.NumDirections]atomic.Pointer[toxiproxy.ToxicLink]
	drained   [stream.NumDirections]atomic.Bool
}

// answerTime bounds the wait for a client that does not read what it is told.
const answerTime = 100 * time.Millisecond

// open says whether the client's side is still there.
func (c *connection) open() bool {
	raw, err := c.sockets[stream.Downstream].SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil
}

// sendFin sends FIN to both ends at once; no byte passes from then on. It says whether the connection was live, and gives what is
// to be done once the moment is over.
func (c *connection) sendFin() (live bool, rest func()) {
	live = c.open()
	var rests [stream.NumDirections]func()
	for d, socket := range c.sockets {
		rests[d] = finish(socket)
	}
	return live, func() {
		for _, rest := range rests {
			rest()
		}
		c.close()
	}
}

// sendRst sends RST to both ends at once, whether or not anything is under way. It says whether the connection was live, and gives
// what is to be done once the moment is over.
func (c *connection) sendRst() (live bool, rest func()) {
	live = c.open()
	// Toxiproxy closes one side as soon as it sees the other gone; that must be an RST as well.
	for _, socket := range c.sockets {
		_ = socket.SetLinger(0)
	}
	for _, socket := range c.sockets {
		disconnect(socket)
	}
	return live, c.close
}

// leave is for actions that touch no live connection.
func (c *connection) leave() (live bool, rest func()) { return c.open(), func() {} }

func (c *connection) cut() {
	if c != nil {
		_, rest := c.sendFin()
		rest()
	}
}

func (c *connection) reset() {
	if c != nil {
		_, rest := c.sendRst()
		rest()
	}
}

func (c *connection) close() {
	for _, socket := range c.sockets {
		_ = socket.Close()
	}
}

// answer writes to the client, in the server's stead.
func (c *connection) answer(reply []byte) {
	if c == nil || len(reply) == 0 {
		return
	}
	client := c.sockets[stream.Downstream]
	_ = client.SetWriteDeadline(time.Now().Add(answerTime))
	_, _ = client.Write(reply)
}

func (c *connection) name(d stream.Direction) string { return c.client + d.String() }

// find remembers the pipeline of one stream, which Toxiproxy lists right after it has started it. The caller holds the lock of
// the link's toxic collection.
func (c *connection) find(d stream.Direction) {
	p := pipelinesOf(c.link.proxy.Toxics)[c.name(d)]
	if p != nil {
		c.pipelines[d].CompareAndSwap(nil, p)
	}
}

// drain unblocks whoever still sends into a pipeline whose receiver is gone. Toxiproxy leaves them waiting for ever.
func (c *connection) drain(d stream.Direction) {
	if p := c.pipelines[d].Load(); p != nil && c.drained[d].CompareAndSwap(false, true) {
		go func() {
			for range outputOf(p) {
			}
		}()
	}
}
