package main

import (
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// An entrance stands where Toxiproxy has its hidden noop toxic, first in each stream of a link. It counts connections and
// bytes, and, unlike the noop toxic, can be interrupted while the receiver does not read: that is what made a paused
// receiver hang a proxy's API (Toxiproxy issue 558).
type entrance struct {
	link      *link
	direction stream.Direction
}

// An arrival is one stream of one connection, at its entrance.
type arrival struct {
	conn  *connection
	found bool
	held  []*stream.StreamChunk
}

// NewState is called under the collection's lock: for a new connection first upstream, then downstream.
func (e *entrance) NewState() any {
	if e.direction == stream.Upstream {
		e.link.opening = e.link.accept()
	}
	return &arrival{conn: e.link.opening}
}

func (e *entrance) Pipe(stub *toxics.ToxicStub) {
	here := stub.State.(*arrival)
	if !e.findPipeline(here, stub) {
		return
	}
	for {
		if len(here.held) > 0 {
			select {
			case <-stub.Interrupt:
				return
			case stub.Output <- here.held[0]:
				here.held = here.held[1:]
			}
			continue
		}
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			e.link.bytes[e.direction].Add(int64(len(c.Data)))
			here.held = append(here.held, c)
		}
	}
}

// findPipeline looks up the pipeline before the first byte passes, so that a connection that dies young can still be drained. It
// gives up after some milliseconds rather than hold up the traffic, and says false when it was interrupted.
func (e *entrance) findPipeline(here *arrival, stub *toxics.ToxicStub) bool {
	pause := 20 * time.Microsecond
	for try := 0; try < 8 && !here.found && here.conn != nil; try++ {
		if e.link.proxy.Toxics.TryLock() {
			here.conn.find(e.direction)
			e.link.proxy.Toxics.Unlock()
			here.found = here.conn.pipelines[e.direction].Load() != nil
			continue
		}
		select {
		case <-stub.Interrupt:
			return false
		case <-time.After(pause):
			pause *= 2
		}
	}
	return true
}
