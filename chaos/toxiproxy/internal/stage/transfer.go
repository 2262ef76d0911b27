package stage

import (
	"slices"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/internals"
)

// When a toxic is removed, Toxiproxy waits up to 5 s, under a lock, for the receiver to take each chunk that is in flight, and
// then loses it. So a toxic of ours that is removed transfers what it still holds to the stage before it, which is ours too unless
// a stock toxic is there.

// A receiver is the state of a stage to which chunks can be transferred: they leave before anything of its own.
type receiver interface {
	Prepend(chunks []*stream.StreamChunk)
}

// Prepend implements receiver.
func (st *state) Prepend(chunks []*stream.StreamChunk) {
	left := make([]queued, len(chunks), len(chunks)+len(st.queue))
	for i, c := range chunks {
		left[i] = queued{Piece: Piece{c.Data, c.Timestamp}}
		st.bytes += len(c.Data)
	}
	st.queue = append(left, st.queue...)
}

// takePending empties the queue, and returns what was still to be sent.
func (st *state) takePending() []*stream.StreamChunk {
	chunks := make([]*stream.StreamChunk, 0, len(st.queue))
	for _, q := range st.queue {
		if !q.fin {
			chunks = append(chunks, &stream.StreamChunk{Data: q.Data, Timestamp: q.Due})
		}
	}
	st.queue, st.bytes = nil, 0
	return chunks
}

// Cleanup transfers what the toxic holds. Toxiproxy calls it, under the collection's lock, when the toxic has been interrupted and is
// about to be removed.
func (r *Runner[S]) Cleanup(stub *toxics.ToxicStub) {
	st, ok := stub.State.(*state)
	if !ok || st.owner != any(r) {
		return // Toxiproxy took another stage for this toxic's, in a pipeline that is about to end.
	}
	st.release(time.Now())
	if st.closed {
		return
	}
	before, wrapper := r.stageBefore(st, stub)
	var target receiver
	if before != nil {
		target, _ = before.State.(receiver)
	}
	switch {
	case target == nil:
		st.flush(stub)
	case before.InterruptToxic():
		if st.sealed {
			// The end was of our making and has not been reached; what was cut off must not be followed by more.
			st.conn.Cut()
		}
		target.Prepend(st.takePending())
		// Toxiproxy would read on from here, and wait for the receiver. With nothing to read, it only interrupts the stage
		// before, which keeps what it has; or finds that it has ended.
		closing := make(chan *stream.StreamChunk)
		stub.Input = closing
		go func() {
			before.Run(wrapper)
			if before.Closed() {
				close(closing)
			}
		}()
	default:
		// The stream has ended there: this end of the pipeline is not used again.
		go deliver(st.takePending(), stub.Output)
		stub.Output = make(chan *stream.StreamChunk)
		stub.Close()
	}
}

// stageBefore returns the stage that sends to a stub, and the toxic that runs there.
func (r *Runner[S]) stageBefore(st *state, stub *toxics.ToxicStub) (*toxics.ToxicStub, *toxics.ToxicWrapper) {
	if st.conn == nil {
		return nil, nil
	}
	direction := stream.Downstream
	if r.upstream {
		direction = stream.Upstream
	}
	p := st.conn.Pipeline(direction)
	if p == nil {
		return nil, nil
	}
	i := slices.Index(internals.Stubs(p), stub)
	if i < 1 {
		return nil, nil
	}
	return internals.Stubs(p)[i-1], internals.Chain(r.link.Proxy.Toxics, direction)[i-1]
}

// flushTimeout is how long the removal of a toxic behind a stock one waits for the receiver.
const flushTimeout = time.Second

// flush sends what is held, and ends the connection when the receiver does not take it in time: a stream that ends is better
// than one with a hole.
func (st *state) flush(stub *toxics.ToxicStub) {
	timeout := time.After(flushTimeout)
	for _, chunk := range st.takePending() {
		select {
		case stub.Output <- chunk:
		case <-timeout:
			st.conn.Cut()
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
