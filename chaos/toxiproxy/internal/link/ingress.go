package link

import (
	"slices"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// An ingress is the first stage of each stream of a link, in the place of Toxiproxy's hidden noop toxic. It counts connections
// and bytes, and, unlike the noop toxic, can be interrupted while the receiver does not read: that is what made a paused
// receiver hang a proxy's API (Toxiproxy issue 558).
type ingress struct {
	link      *Link
	direction stream.Direction
}

// An ingressState is one stream of one connection, at its ingress.
type ingressState struct {
	conn    *Connection
	found   bool
	held    []*stream.StreamChunk
	pending []pending // What comes after held.
	ended   bool      // The end of the stream comes after pending.
}

// NewState makes the state of a new stream. Toxiproxy calls it under the collection's lock, first upstream, then downstream.
func (in *ingress) NewState() any {
	st := &ingressState{}
	if in.direction == stream.Upstream {
		in.link.Opening = in.link.accept()
		if s := in.link.Opening.crossAtOpening(); s != nil {
			st.pending = []pending{{strike: s}}
		}
	}
	st.conn = in.link.Opening
	return st
}

// Pipe passes chunks on and counts their bytes.
func (in *ingress) Pipe(stub *toxics.ToxicStub) {
	st := stub.State.(*ingressState)
	if !in.findPipeline(st, stub) {
		return
	}
	for {
		switch {
		case len(st.held) > 0:
			select {
			case <-stub.Interrupt:
				return
			case stub.Output <- st.held[0]:
				st.held = st.held[1:]
			}
		case len(st.pending) > 0:
			if !st.advance(stub, in.direction) {
				return
			}
		case st.ended:
			stub.Close()
			return
		default:
			select {
			case <-stub.Interrupt:
				return
			case c := <-stub.Input:
				in.take(st, c)
			}
		}
	}
}

// take takes one chunk, or the end of the stream.
func (in *ingress) take(st *ingressState, c *stream.StreamChunk) {
	if c == nil {
		st.conn.streamEnded(in.direction)
		st.ended = true
		st.waitForOther(in.direction, nil)
		return
	}
	if st.conn == nil || !st.conn.IsProbe {
		in.link.bytes[in.direction].Add(int64(len(c.Data)))
	}
	st.conn.received(in.direction, c)
	st.split(in.direction, c)
}

// pauses are the waits between the looks of findPipeline, 5.1 ms in all.
var pauses = [...]time.Duration{
	20 * time.Microsecond, 40 * time.Microsecond, 80 * time.Microsecond, 160 * time.Microsecond,
	320 * time.Microsecond, 640 * time.Microsecond, 1280 * time.Microsecond, 2560 * time.Microsecond,
}

// findPipeline looks up the pipeline before the first byte passes, so that a connection that ends early can still be drained. It
// gives up after some milliseconds rather than delay the traffic, and returns false when it was interrupted.
func (in *ingress) findPipeline(st *ingressState, stub *toxics.ToxicStub) bool {
	for _, pause := range pauses {
		if st.found || st.conn == nil {
			break
		}
		if in.link.Proxy.Toxics.TryLock() {
			st.conn.FindPipeline(in.direction)
			in.link.Proxy.Toxics.Unlock()
			st.found = st.conn.Pipeline(in.direction) != nil
			continue
		}
		select {
		case <-stub.Interrupt:
			return false
		case <-time.After(pause):
		}
	}
	return true
}

// Prepend makes chunks leave before anything else of the stream.
func (st *ingressState) Prepend(chunks []*stream.StreamChunk) {
	st.held = slices.Concat(chunks, st.held)
}
