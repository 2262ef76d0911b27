package anchor

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"stormlab/toxiproxy/internal/websocket"
)

// A Watch is a point that is armed on one link. All connections of the link count for it, each by itself.
type Watch struct {
	point  *Point
	opened atomic.Int64 // Connections since it was armed.
	taken  *atomic.Bool // Some connection has got there, or none is to strike any more; shared by the links of one anchor.
}

// Arm makes the watch of an anchor on its first link.
func Arm(point *Point) *Watch { return &Watch{point: point, taken: new(atomic.Bool)} }

// Again makes a watch for one more link of the same anchor. The first connection that gets to the point strikes, and no other.
func (w *Watch) Again() *Watch { return &Watch{point: w.point, taken: w.taken} }

// Disarm keeps the watch, and those of the same anchor, from striking from now on. It returns false where one has struck already.
func (w *Watch) Disarm() bool { return w.taken.CompareAndSwap(false, true) }

// A Crossing is where a connection got to the point.
type Crossing struct {
	Watch  *Watch
	Offset int            // In the bytes that were fed: so many of them pass before the fault begins.
	Side   websocket.Side // Whose stream it is.
	Bytes  int64          // Of that stream, from the connection's first one, that pass before the fault begins.
	Frame  int64          // Of that stream, from the first one, in which or at whose border that is; 0 where it has no frames.
	Opened int64          // The connection's number among those that opened since the anchor was armed; 0: it was open.
}

// A Tracker follows both streams of one connection from its first byte.
type Tracker struct {
	mu        sync.Mutex
	handshake websocket.Handshake
	streams   [websocket.Sides]streamState
	asked     bool   // The client has sent something since the server's last byte.
	first     []byte // The client's first bytes.
	counters  map[*Watch]*counter
}

type streamState struct {
	bytes  int64
	frames websocket.Frames
	begun  int64 // Frames.
}

// A counter counts for one watch on one connection, from when the watch was armed.
type counter struct {
	opened  int64 // As in Crossing.
	state   int
	count   int64 // Of what the point counts.
	matched int   // How much of the pattern the last bytes are.
}

const (
	undecided = iota // Whether it counts follows from the client's first bytes.
	counts
	skipped
)

// Open says that the connection has just opened, and returns the crossing of a point that is this moment.
func (t *Tracker) Open(watches []*Watch) *Crossing {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range watches {
		c := &counter{}
		t.keep(w, c)
		if len(w.point.skip) > 0 {
			continue
		}
		c.state, c.opened = counts, w.opened.Add(1)
		if w.point.kind == ofConnections && c.opened == w.point.connection && w.Disarm() {
			return &Crossing{Watch: w, Opened: c.opened}
		}
	}
	return nil
}

// Feed takes what a side sent, and returns where it gets to points of the watches, in order.
func (t *Tracker) Feed(from websocket.Side, data []byte, watches []*Watch) []Crossing {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxSkip - len(t.first); from == websocket.Client && room > 0 {
		t.first = append(t.first, data[:min(room, len(data))]...)
	}
	t.forget(watches)
	stream := &t.streams[from]
	var found []Crossing
	turn := from == websocket.Server && t.asked
	for offset := 0; offset < len(data); {
		piece := t.next(from, data[offset:])
		for _, w := range watches {
			c := t.counter(w, from)
			if c == nil {
				continue
			}
			at, hit := c.take(w.point, piece, data[offset:offset+piece.Size], turn && offset == 0)
			if hit && w.Disarm() {
				found = append(found, Crossing{w, offset + at, from, stream.bytes + int64(offset+at), stream.begun, c.opened})
			}
		}
		offset += piece.Size
	}
	stream.bytes += int64(len(data))
	t.asked = from == websocket.Client
	slices.SortStableFunc(found, func(a, b Crossing) int { return cmp.Compare(a.Offset, b.Offset) })
	return found
}

// next returns the part with which data begins. What is in no frame is one payload.
func (t *Tracker) next(from websocket.Side, data []byte) websocket.Part {
	raw := websocket.Part{Size: len(data), IsPayload: true}
	if t.handshake.WebSocket {
		part := t.streams[from].frames.Next(data)
		if part.Size == 0 {
			return raw
		}
		if part.First {
			t.streams[from].begun++
		}
		return part
	}
	if t.handshake.Opaque {
		return raw
	}
	_, rest := t.handshake.Feed(from, data)
	if t.handshake.WebSocket {
		t.streams[websocket.Client].frames.Broken = !t.handshake.IsClean()
		raw.Size -= len(rest)
	}
	return raw
}

// counter returns what counts on this connection for a watch; nil where the connection, or this side of it, does not.
func (t *Tracker) counter(w *Watch, from websocket.Side) *counter {
	c := t.counters[w]
	if c == nil {
		c = &counter{state: counts}
		if w.point.skips(t.first) == skipped {
			c.state = skipped
		}
		t.keep(w, c)
	}
	if c.state == undecided && from == websocket.Client {
		if c.state = w.point.skips(t.first); c.state == counts {
			c.opened = w.opened.Add(1)
		}
	}
	isHere := w.point.connection == 0 || w.point.connection == c.opened
	if c.state != counts || !isHere || w.point.side != from {
		return nil
	}
	return c
}

func (t *Tracker) keep(w *Watch, c *counter) {
	if t.counters == nil {
		t.counters = map[*Watch]*counter{}
	}
	t.counters[w] = c
}

// forget drops the counters of watches that are not armed any more.
func (t *Tracker) forget(watches []*Watch) {
	if len(t.counters) <= len(watches) {
		return
	}
	for w := range t.counters {
		if !slices.Contains(watches, w) {
			delete(t.counters, w)
		}
	}
}

// skips returns whether a connection counts whose client begins with these bytes.
func (p *Point) skips(first []byte) int {
	state := counts
	for _, text := range p.skip {
		switch {
		case bytes.HasPrefix(first, text):
			return skipped
		case bytes.HasPrefix(text, first):
			state = undecided
		}
	}
	return state
}

// take counts one part of a stream. It returns how many bytes of it pass before the fault strikes, where it gets to the point.
func (c *counter) take(p *Point, part websocket.Part, data []byte, turn bool) (at int, hit bool) {
	reached := func(more int64) bool { // Whether the number is among the next so many.
		left := p.number - c.count
		c.count += more
		return left > 0 && left <= more
	}
	switch p.kind {
	case ofConnections:
		c.count++
		return 0, c.count == 1
	case ofResponses:
		return p.around(0), turn && reached(1)
	case ofBytes:
		left := p.number - c.count
		if !reached(int64(len(data))) {
			return 0, false
		}
		return p.around(int(left) - 1), true
	case ofFrames:
		if part.First {
			c.count++
		}
		isIt := c.count == p.number
		if p.before {
			return 0, isIt && part.First
		}
		return len(data), isIt && part.Last
	}
	if part.First {
		c.matched = 0
	}
	if !part.IsPayload {
		return 0, false
	}
	for i := 0; i < len(data); i++ {
		if c.matched == 0 && part.Key == [4]byte{} {
			next := bytes.IndexByte(data[i:], p.pattern[0])
			if next < 0 {
				break
			}
			i += next
		}
		if c.match(p, part.Unmasked(data[i], i)) && reached(1) {
			return p.around(i), true
		}
	}
	return 0, false
}

// around returns how many bytes pass before the fault strikes at the byte of this index.
func (p *Point) around(index int) int {
	if p.before {
		return index
	}
	return index + 1
}

// match returns whether a byte ends an occurrence of the pattern.
func (c *counter) match(p *Point, b byte) bool {
	for c.matched > 0 && (c.matched == len(p.pattern) || p.pattern[c.matched] != b) {
		c.matched = p.fallback[c.matched-1]
	}
	if p.pattern[c.matched] == b {
		c.matched++
	}
	return c.matched == len(p.pattern)
}
