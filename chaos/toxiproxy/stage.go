package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// A toxic runs one kind of settings inside Toxiproxy's pipeline. It is dormant, and lets everything pass, until it has been
// settled on its link and begun; after it has ended it lets everything pass again, until it is removed.
type toxic[S settings[S]] struct {
	attributes atomic.Pointer[S]
	seed       atomic.Int64
	phase      atomic.Int32
	hits       atomic.Int64
	once       sync.Once
	over       chan struct{} // Closed when the toxic ends.

	// Written and read under the lock of the link's toxic collection.
	link      *link
	place     string
	upstream  bool
	share     float64
	met       int64
	newcomers int64
}

const (
	dormant int32 = iota
	on
	ended
)

// A state is what a toxic keeps for one stream through interruptions.
type state struct {
	memory
	owner    any // The toxic that keeps it.
	conn     *connection
	bell     *bell
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
	piece
	fin bool
}

func (t *toxic[S]) ends() chan struct{} {
	t.once.Do(func() { t.over = make(chan struct{}) })
	return t.over
}

// NewState is called by Toxiproxy, under the collection's lock, for a new connection and for each live one when the toxic is
// added. In the second case the toxic has not been settled yet; settle introduces those connections to it.
func (t *toxic[S]) NewState() any {
	st := &state{owner: t, bell: newBell()}
	if t.link != nil {
		newcomer := int64(-1)
		if t.phase.Load() == on {
			newcomer = t.newcomers
			t.newcomers++
		}
		t.meet(st, t.link.opening, newcomer)
	}
	return st
}

func (t *toxic[S]) meet(st *state, c *connection, newcomer int64) {
	st.conn = c
	st.rng = dice(t.seed.Load(), t.place, t.met)
	st.newcomer, st.upstream = newcomer, t.upstream
	st.hit = t.share >= 1 || st.rng.Float64() < t.share
	t.met++
}

// Pipe moves bytes from Input to Output as the settings decide. It waits for nothing without also waiting for Interrupt, and
// what it holds survives in the state, so that no other toxic and no API call can be held up by it.
func (t *toxic[S]) Pipe(stub *toxics.ToxicStub) {
	st := stub.State.(*state)
	defer theAlarm().cancel(st.bell)
	for !st.closed {
		t.open(st)
		var in <-chan *stream.StreamChunk
		if !st.sealed && st.bytes < t.limit() {
			in = stub.Input
		}
		over := t.ends()
		if st.released {
			over = nil
		}
		out, chunk, ring := st.next(stub)
		if st.closed {
			break
		}
		select {
		case <-stub.Interrupt:
			return
		case <-over:
			st.release(time.Now())
		case c := <-in:
			t.take(st, c)
		case out <- chunk:
			st.pop()
		case <-ring:
		}
	}
	// Whoever sends must not be left hanging when this end was of our making.
	for range stub.Input {
	}
}

func (t *toxic[S]) limit() int {
	if b, ok := any(t.settings()).(bufferer); ok {
		return b.buffer()
	}
	return bufferBytes
}

func (t *toxic[S]) acts(st *state) bool { return t.phase.Load() == on && st.hit && !st.released }

func (t *toxic[S]) open(st *state) {
	if st.opened || !t.acts(st) {
		return
	}
	st.opened = true
	if o, ok := any(t.settings()).(opener); ok && st.newcomer >= 0 {
		t.carryOut(st, o.open(&st.memory))
	}
}

func (t *toxic[S]) take(st *state, c *stream.StreamChunk) {
	switch {
	case c == nil:
		due := time.Now()
		if f, ok := any(t.settings()).(finisher); ok && t.acts(st) {
			due = f.finish(&st.memory, due)
		}
		st.seal(due)
	case t.acts(st):
		t.carryOut(st, t.settings().decide(&st.memory, c.Timestamp, c.Data))
	default:
		st.push(piece{c.Data, c.Timestamp})
	}
}

func (t *toxic[S]) carryOut(st *state, v verdict) {
	t.hits.Add(v.hits)
	st.lost = st.lost || v.lost
	for _, p := range v.pieces {
		st.push(p)
	}
	switch v.ending {
	case finsAfter:
		st.seal(time.Now())
	case finsNow:
		st.conn.answer(v.reply)
		st.conn.cut()
	case resets:
		st.conn.reset()
	}
}

func (st *state) push(p piece) {
	if len(p.data) > 0 {
		st.queue = append(st.queue, queued{piece: p})
		st.bytes += len(p.data)
	}
}

func (st *state) seal(due time.Time) {
	st.queue = append(st.queue, queued{piece{due: due}, true})
	st.sealed = true
}

// next says what can be sent now, or else what rings when there is something.
func (st *state) next(stub *toxics.ToxicStub) (chan<- *stream.StreamChunk, *stream.StreamChunk, <-chan struct{}) {
	if len(st.queue) == 0 {
		return nil, nil, nil
	}
	head := st.queue[0]
	if head.due.After(time.Now()) {
		if head.due != never {
			theAlarm().set(st.bell, head.due)
		}
		return nil, nil, st.bell.ring
	}
	if head.fin {
		stub.Close()
		st.closed = true
		return nil, nil, nil
	}
	return stub.Output, &stream.StreamChunk{Data: head.data, Timestamp: head.due}, nil
}

func (st *state) pop() {
	st.bytes -= len(st.queue[0].data)
	st.queue[0] = queued{}
	st.queue = st.queue[1:]
}

// release lets everything go that is still held, and ends a connection that has lost bytes for good.
func (st *state) release(now time.Time) {
	if st.released {
		return
	}
	st.released = true
	for i := range st.queue {
		if st.queue[i].due.After(now) {
			st.queue[i].due = now
		}
	}
	if st.lost {
		st.conn.cut()
	}
}
