package link

import (
	"net"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/anchor"
	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/journal"
)

// A Connection is a client's connection, and the one to the server that Toxiproxy opened for it.
type Connection struct {
	link    *Link
	Number  int64 // Its number among those of its link, from 0, in the order in which they were accepted.
	IsProbe bool  // The prober's: it ends at the prober and not at the link's server.
	client  string
	// By stream: the socket that receives its bytes, and Toxiproxy's pipeline for it.
	sockets   [stream.NumDirections]*net.TCPConn
	pipelines [stream.NumDirections]atomic.Pointer[toxiproxy.ToxicLink]
	drained   [stream.NumDirections]atomic.Bool
	forgotten atomic.Bool         // It was closed at one end, and the other end is not to notice.
	watched   *journal.Connection // Nil where it is in no journal.
	tracker   anchor.Tracker
	strikes   [stream.NumDirections]atomic.Pointer[strike] // That is thrown, or was last, by stream.
}

// answerTimeout bounds the wait for a client that does not read the answer.
const answerTimeout = 100 * time.Millisecond

// The ends of a connection, by the stream that each receives.
const (
	ClientEnd = stream.Downstream
	ServerEnd = stream.Upstream
)

// IsOpen returns whether the client's side is still open.
func (c *Connection) IsOpen() bool { return isOpen(c.sockets[ClientEnd]) }

func isOpen(socket *net.TCPConn) bool {
	raw, err := socket.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) == nil
}

// SendFIN sends FIN to both ends at once; no byte passes from then on. It returns whether the connection was live, and a function
// that finishes what takes longer.
func (c *Connection) SendFIN() (live bool, rest func()) {
	live = c.IsOpen()
	c.watched.DoorEnds(journal.FIN, true)
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

// SendRST sends RST to both ends at once, whether or not bytes are in flight. It returns whether the connection was live, and a
// function that finishes what takes longer.
func (c *Connection) SendRST() (live bool, rest func()) {
	live = c.IsOpen()
	c.watched.DoorEnds(journal.RST, true)
	// Toxiproxy closes one side as soon as the other has ended; that must be an RST as well.
	for _, socket := range c.sockets {
		_ = socket.SetLinger(0)
	}
	for _, socket := range c.sockets {
		disconnect(socket)
	}
	return live, c.close
}

// CloseOne sends FIN or RST to one end alone. The other end is not to notice, which is the toxic's part: from now on the connection
// is forgotten. It returns as SendFIN does; a connection that is forgotten already is not live.
func (c *Connection) CloseOne(end stream.Direction, how string) (live bool, rest func()) {
	socket := c.sockets[end]
	if !c.IsOpen() || !isOpen(socket) || !c.forgotten.CompareAndSwap(false, true) {
		return false, func() {}
	}
	c.watched.DoorCloses(journal.Side(1-end), how)
	finished := func() {}
	if how == journal.RST {
		_ = socket.SetLinger(0)
		disconnect(socket)
	} else {
		finished = finish(socket)
	}
	return true, func() {
		finished()
		_ = socket.Close()
	}
}

// IsForgotten returns whether the connection was closed at one end alone.
func (c *Connection) IsForgotten() bool { return c != nil && c.forgotten.Load() }

// Spare does nothing, for actions that touch no live connection. It returns as SendFIN does.
func (c *Connection) Spare() (live bool, rest func()) { return c.IsOpen(), func() {} }

// Cut sends FIN to both ends and closes them; a nil connection is left out.
func (c *Connection) Cut() {
	if c != nil {
		_, rest := c.SendFIN()
		rest()
	}
}

// Reset sends RST to both ends and closes them; a nil connection is left out.
func (c *Connection) Reset() {
	if c != nil {
		_, rest := c.SendRST()
		rest()
	}
}

func (c *Connection) close() {
	for _, socket := range c.sockets {
		_ = socket.Close()
	}
}

// Answer writes to the client in place of the server.
func (c *Connection) Answer(reply []byte) {
	if c == nil || len(reply) == 0 {
		return
	}
	client := c.sockets[stream.Downstream]
	_ = client.SetWriteDeadline(time.Now().Add(answerTimeout))
	_, _ = client.Write(reply)
}

func (c *Connection) name(d stream.Direction) string { return c.client + d.String() }

// EndAfter says that the connection is about to end with FIN by the door's doing. A nil connection is left out.
func (c *Connection) EndAfter() {
	if c != nil {
		c.watched.DoorEnds(journal.FIN, false)
	}
}

// Pipeline returns Toxiproxy's pipeline of one stream; nil before it was found.
func (c *Connection) Pipeline(d stream.Direction) *toxiproxy.ToxicLink { return c.pipelines[d].Load() }

// FindPipeline looks up the pipeline of one stream, which Toxiproxy lists right after it has started it. The caller holds the
// lock of the link's toxic collection.
func (c *Connection) FindPipeline(d stream.Direction) {
	p := internals.Pipelines(c.link.Proxy.Toxics)[c.name(d)]
	if p != nil {
		c.pipelines[d].CompareAndSwap(nil, p)
	}
}

// drain unblocks the senders into a pipeline whose receiver is gone. Toxiproxy lets them wait for ever.
func (c *Connection) drain(d stream.Direction) {
	if p := c.Pipeline(d); p != nil && c.drained[d].CompareAndSwap(false, true) {
		go func() {
			for range internals.Output(p) {
			}
		}()
	}
}
