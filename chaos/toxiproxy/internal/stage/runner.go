package stage

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/link"
)

// A Runner runs one kind of settings inside Toxiproxy's pipeline. It is dormant, and lets everything pass, until it has been
// attached to its link and begun; after it has ended it lets everything pass again, until it is removed.
type Runner[S Settings[S]] struct {
	attributes atomic.Pointer[S]
	seed       atomic.Int64
	phase      atomic.Int32
	hits       atomic.Int64
	once       sync.Once
	over       chan struct{} // Closed when the toxic ends.

	// Written and read under the lock of the link's toxic collection.
	link       *link.Link
	place      string
	upstream   bool
	share      float64
	registered int64
	newcomers  int64
}

const (
	dormant int32 = iota
	on
	ended
)

// A state is what a toxic keeps for one stream through interruptions.
type state struct {
	ConnState
	owner    any // The toxic that keeps it.
	conn     *link.Connection
	timer    *clock.Timer
	queue    []queued
	bytes    int
	hit      bool // The toxic acts on this connection (its toxicity was drawn).
	opened   bool
	lost     bool
	sealed   bool // Nothing more comes in: the end of the stream is in the queue.
	released bool
	closed   bool
}

type queued struct {
	Piece
	fin bool
}

func (r *Runner[S]) endSignal() chan struct{} {
	r.once.Do(func() { r.over = make(chan struct{}) })
	return r.over
}

// NewState makes the state of one stream. Toxiproxy calls it, under the collection's lock, for a new connection and for each live
// one when the toxic is added. In the second case the toxic has not been attached yet; Attach registers those connections.
func (r *Runner[S]) NewState() any {
	st := &state{owner: r, timer: clock.NewTimer()}
	if r.link != nil {
		newcomer := int64(-1)
		if r.phase.Load() == on {
			newcomer = r.newcomers
			r.newcomers++
		}
		r.register(st, r.link.Opening, newcomer)
	}
	return st
}

// register gives a stream its connection and its random numbers.
func (r *Runner[S]) register(st *state, c *link.Connection, newcomer int64) {
	st.conn = c
	st.RNG = NewRNG(r.seed.Load(), r.place, r.registered)
	st.Newcomer, st.Upstream = newcomer, r.upstream
	st.hit = r.share >= 1 || st.RNG.Float64() < r.share
	r.registered++
}

// Pipe moves bytes from Input to Output as the settings decide. It waits for nothing without also waiting for Interrupt, and
// what it holds survives in the state, so that no other toxic and no API call can be held up by it.
func (r *Runner[S]) Pipe(stub *toxics.ToxicStub) {
	st := stub.State.(*state)
	defer st.timer.Stop()
	for !st.closed {
		r.open(st)
		var in <-chan *stream.StreamChunk
		if !st.sealed && st.bytes < r.limit() {
			in = stub.Input
		}
		over := r.endSignal()
		if st.released {
			over = nil
		}
		out, chunk, due := st.next(stub)
		if st.closed {
			break
		}
		select {
		case <-stub.Interrupt:
			return
		case <-over:
			st.release(time.Now())
		case c := <-in:
			r.take(st, c)
		case out <- chunk:
			st.pop()
		case <-due:
		}
	}
	// The sender must not be left blocked when this end was of our making.
	for range stub.Input {
	}
}

func (r *Runner[S]) limit() int {
	if b, ok := any(r.settings()).(Bufferer); ok {
		return b.Buffer()
	}
	return BufferBytes
}

func (r *Runner[S]) acts(st *state) bool { return r.phase.Load() == on && st.hit && !st.released }

func (r *Runner[S]) open(st *state) {
	if st.opened || !r.acts(st) {
		return
	}
	st.opened = true
	if o, ok := any(r.settings()).(Opener); ok && st.Newcomer >= 0 {
		r.apply(st, o.Open(&st.ConnState))
	}
}

func (r *Runner[S]) take(st *state, c *stream.StreamChunk) {
	if r.acts(st) {
		st.Forgotten = st.conn.IsForgotten()
	}
	switch {
	case c == nil:
		due := time.Now()
		if f, ok := any(r.settings()).(Finisher); ok && r.acts(st) {
			due = f.Finish(&st.ConnState, due)
		}
		st.seal(due)
	case r.acts(st):
		r.apply(st, r.settings().Decide(&st.ConnState, c.Timestamp, c.Data))
	default:
		st.push(Piece{c.Data, c.Timestamp})
	}
}

func (r *Runner[S]) apply(st *state, v Decision) {
	r.hits.Add(v.Hits)
	st.lost = st.lost || v.Lost
	for _, p := range v.Pieces {
		st.push(p)
	}
	switch v.Close {
	case FINAfter:
		st.conn.EndAfter()
		st.seal(time.Now())
	case FINNow:
		st.conn.Answer(v.Reply)
		st.conn.Cut()
	case RST:
		st.conn.Reset()
	}
}

func (st *state) push(p Piece) {
	if len(p.Data) > 0 {
		st.queue = append(st.queue, queued{Piece: p})
		st.bytes += len(p.Data)
	}
}

func (st *state) seal(due time.Time) {
	st.queue = append(st.queue, queued{Piece{Due: due}, true})
	st.sealed = true
}

// next returns what can be sent now, or else a channel that receives when there is something.
func (st *state) next(stub *toxics.ToxicStub) (chan<- *stream.StreamChunk, *stream.StreamChunk, <-chan struct{}) {
	if len(st.queue) == 0 {
		return nil, nil, nil
	}
	head := st.queue[0]
	if head.Due.After(time.Now()) {
		if head.Due != Never {
			st.timer.Set(head.Due)
		}
		return nil, nil, st.timer.C
	}
	if head.fin {
		stub.Close()
		st.closed = true
		return nil, nil, nil
	}
	return stub.Output, &stream.StreamChunk{Data: head.Data, Timestamp: head.Due}, nil
}

func (st *state) pop() {
	st.bytes -= len(st.queue[0].Data)
	st.queue[0] = queued{}
	st.queue = st.queue[1:]
}

// release sends everything that is still held, and ends a connection that has lost bytes for good.
func (st *state) release(now time.Time) {
	if st.released {
		return
	}
	st.released = true
	for i := range st.queue {
		if st.queue[i].Due.After(now) {
			st.queue[i].Due = now
		}
	}
	if st.lost {
		st.conn.Cut()
	}
}
