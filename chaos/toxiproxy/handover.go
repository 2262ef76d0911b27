package main

import (
	"slices"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// When a toxic is removed, Toxiproxy waits up to 5 s, under a lock, for the receiver to take each chunk that is under way, and
// then loses it. So a toxic of ours, when it goes, leaves what it still holds to the stage before it, which is ours too unless a
// stock toxic stands there.

// An heir is the state of a stage that can be left something to send before anything of its own.
type heir interface {
	inherit(chunks []*stream.StreamChunk)
}

func (here *arrival) inherit(chunks []*stream.StreamChunk) {
	here.held = slices.Concat(chunks, here.held)
}

func (st *state) inherit(chunks []*stream.StreamChunk) {
	left := make([]queued, len(chunks), len(chunks)+len(st.queue))
	for i, c := range chunks {
		left[i] = queued{piece: piece{c.Data, c.Timestamp}}
		st.bytes += len(c.Data)
	}
	st.queue = append(left, st.queue...)
}

// estate is what a state still has to send.
func (st *state) estate() []*stream.StreamChunk {
	chunks := make([]*stream.StreamChunk, 0, len(st.queue))
	for _, q := range st.queue {
		if !q.fin {
			chunks = append(chunks, &stream.StreamChunk{Data: q.data, Timestamp: q.due})
		}
	}
	st.queue, st.bytes = nil, 0
	return chunks
}

// Cleanup is called by Toxiproxy, under the collection's lock, when the toxic has been interrupted and is about to be removed.
func (t *toxic[S]) Cleanup(stub *toxics.ToxicStub) {
	st, ok := stub.State.(*state)
	if !ok || st.owner != any(t) {
		return // Toxiproxy took another stage for this toxic's, in a pipeline that is about to end.
	}
	st.release(time.Now())
	if st.closed {
		return
	}
	before, wrapper := t.stageBefore(st, stub)
	var left heir
	if before != nil {
		left, _ = before.State.(heir)
	}
	switch {
	case left == nil:
		st.flush(stub)
	case before.InterruptToxic():
		if st.sealed {
			// The end was of our making and has not been reached; what was cut off must not be followed by more.
			st.conn.cut()
		}
		left.inherit(st.estate())
		// Toxiproxy would read on from here, and wait for the receiver. With nothing to read, it only interrupts the stage
		// before, which keeps what it has; or learns that it has ended.
		closing := make(chan *stream.StreamChunk)
		stub.Input = closing
		go func() {
			before.Run(wrapper)
			if before.Closed() {
				close(closing)
			}
		}()
	default:
		// The stream has ended there: nobody will touch this end of the pipeline again.
		go deliver(st.estate(), stub.Output)
		stub.Output = make(chan *stream.StreamChunk)
		stub.Close()
	}
}

// stageBefore gives the stage that sends to a stub, and what runs there.
func (t *toxic[S]) stageBefore(st *state, stub *toxics.ToxicStub) (*toxics.ToxicStub, *toxics.ToxicWrapper) {
	if st.conn == nil {
		return nil, nil
	}
	direction := stream.Downstream
	if t.upstream {
		direction = stream.Upstream
	}
	p := st.conn.pipelines[direction].Load()
	if p == nil {
		return nil, nil
	}
	i := slices.Index(stubsOf(p), stub)
	if i < 1 {
		return nil, nil
	}
	return stubsOf(p)[i-1], chainOf(t.link.proxy.Toxics, direction)[i-1]
}

// flushTime is how long the removal of a toxic behind a stock one waits for the receiver.
const flushTime = time.Second

// flush sends what is held, and ends the connection when the receiver does not take it in time: a stream that ends is better
// than one with a hole.
func (st *state) flush(stub *toxics.ToxicStub) {
	timeout := time.After(flushTime)
	for _, chunk := range st.estate() {
		select {
		case stub.Output <- chunk:
		case <-timeout:
			st.conn.cut()
			return
		}
	}
	if st.sealed {
		stub.Close()
	}
}

func deliver(chunks []*stream.StreamChunk, out chan<- *stream.StreamChunk) {
	defer close(out)
	for _, chunk := range chunks {
		out <- chunk
	}
}
