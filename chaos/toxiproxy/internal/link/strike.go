package link

import (
	"slices"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"golang.org/x/sys/unix"

	"stormlab/toxiproxy/internal/anchor"
	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/websocket"
)

// A strike is a fault that begins at one byte of a stream. The stream lets exactly the bytes before it pass, waits until the kernel has
// sent them, and then until the fault has begun. The other stream of the connection waits too, so that no answer to those bytes passes.

// Struck is where and when a fault was struck.
type Struck struct {
	anchor.Crossing
	Link       *Link
	Connection *Connection
	IsExact    bool // The bytes before it, and no others of that stream, had been sent when the fault began.
}

// armed are the watches of a link, and what each of them begins.
type armed struct {
	watches []*anchor.Watch
	strikes map[*anchor.Watch]func(Struck)
}

// Arm makes the connections of the link count for a watch. begin begins the fault, and returns when it has begun.
func (l *Link) Arm(w *anchor.Watch, begin func(Struck)) {
	l.change(func(next *armed) {
		next.watches = append(next.watches, w)
		next.strikes[w] = begin
	})
}

// Disarm ends the counting for a watch.
func (l *Link) Disarm(w *anchor.Watch) {
	l.change(func(next *armed) {
		next.watches = slices.DeleteFunc(next.watches, func(one *anchor.Watch) bool { return one == w })
		delete(next.strikes, w)
	})
}

func (l *Link) change(do func(next *armed)) {
	l.watching.Lock()
	defer l.watching.Unlock()
	next := &armed{strikes: map[*anchor.Watch]func(Struck){}}
	if now := l.armed.Load(); now != nil {
		next.watches = slices.Clone(now.watches)
		for w, begin := range now.strikes {
			next.strikes[w] = begin
		}
	}
	do(next)
	l.armed.Store(next)
}

func (l *Link) watches() []*anchor.Watch {
	if now := l.armed.Load(); now != nil {
		return now.watches
	}
	return nil
}

type strike struct {
	at    Struck
	begin func(Struck)
	since time.Time // When the stream first waited for the bytes before it.
	begun bool
	done  chan struct{} // Closed when the fault has begun.
}

// A pending is a part of a stream that waits for a strike.
type pending struct {
	strike  *strike
	isOther bool // The strike is thrown by the other stream.
	rest    *stream.StreamChunk
}

const (
	// passLimit bounds the wait for the bytes before the anchor. A receiver that does not read, and another fault that holds or changes
	// bytes, keep them from passing.
	passLimit = 250 * time.Millisecond
	// strikeLimit bounds the wait for the fault's begin, which is bounded on each link by itself.
	strikeLimit = 10 * time.Second
	firstLook   = 10 * time.Microsecond
	lastLook    = time.Millisecond
)

// crossAtOpening returns the strike of a connection that has just opened; nil where it opens at no anchor. A nil connection has none.
func (c *Connection) crossAtOpening() *strike {
	if c == nil || c.IsProbe {
		return nil
	}
	now := c.link.armed.Load()
	if now == nil {
		return nil
	}
	if crossing := c.tracker.Open(now.watches); crossing != nil {
		return c.throw(now, *crossing, stream.Upstream)
	}
	return nil
}

func (c *Connection) throw(from *armed, crossing anchor.Crossing, d stream.Direction) *strike {
	s := &strike{at: Struck{Crossing: crossing, Link: c.link, Connection: c}, begin: from.strikes[crossing.Watch], done: make(chan struct{})}
	c.strikes[d].Store(s)
	return s
}

// split queues a chunk: what is before an anchor passes, what is after it waits for the strike.
func (st *ingressState) split(d stream.Direction, c *stream.StreamChunk) {
	if st.conn == nil || st.conn.IsProbe {
		st.held = append(st.held, c)
		return
	}
	now := st.conn.link.armed.Load()
	if now == nil {
		now = &armed{}
	}
	crossings := st.conn.tracker.Feed(websocket.Side(d), c.Data, now.watches)
	if len(crossings) == 0 {
		if !st.waitForOther(d, c) {
			st.held = append(st.held, c)
		}
		return
	}
	part := func(from, until int) *stream.StreamChunk {
		return &stream.StreamChunk{Data: c.Data[from:until:until], Timestamp: c.Timestamp}
	}
	if before := part(0, crossings[0].Offset); len(before.Data) > 0 {
		st.held = append(st.held, before)
	}
	for i, crossing := range crossings {
		until := len(c.Data)
		if i+1 < len(crossings) {
			until = crossings[i+1].Offset
		}
		st.pending = append(st.pending, pending{strike: st.conn.throw(now, crossing, d), rest: part(crossing.Offset, until)})
	}
}

// waitForOther makes a chunk, or the end of the stream, wait for a strike that the other stream throws. It returns false where there is
// none.
func (st *ingressState) waitForOther(d stream.Direction, c *stream.StreamChunk) bool {
	if st.conn == nil {
		return false
	}
	s := st.conn.strikes[1-d].Load()
	if s == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
	}
	st.pending = append(st.pending, pending{strike: s, isOther: true, rest: c})
	return true
}

// advance waits for what the first pending part waits for. It returns false where it was interrupted.
func (st *ingressState) advance(stub *toxics.ToxicStub, d stream.Direction) bool {
	p := &st.pending[0]
	timer := clock.NewTimer()
	defer timer.Stop()
	if !p.isOther && !p.strike.begun {
		more := p.strike.passing(d)
		if more > 0 {
			timer.Set(time.Now().Add(more))
			select {
			case <-stub.Interrupt:
				return false
			case <-timer.C:
				return true
			}
		}
		p.strike.begun = true
		go func(s *strike) {
			defer close(s.done)
			s.begin(s.at)
		}(p.strike)
	}
	timer.Set(time.Now().Add(strikeLimit))
	select {
	case <-stub.Interrupt:
		return false
	case <-p.strike.done:
	case <-timer.C:
	}
	if p.rest != nil && len(p.rest.Data) > 0 {
		st.held = append(st.held, p.rest)
	}
	st.pending = st.pending[1:]
	return true
}

// passing returns how long to wait before the next look at the bytes before the strike; 0 where it is not to wait any longer.
func (s *strike) passing(d stream.Direction) time.Duration {
	now := time.Now()
	if s.since.IsZero() {
		s.since = now
	}
	passed, open := s.at.Connection.sent(d)
	waited := now.Sub(s.since)
	switch {
	case open && passed == s.at.Bytes:
		s.at.IsExact = true
		return 0
	case !open || waited > passLimit:
		return 0
	}
	return min(max(waited/4, firstLook), lastLook)
}

// sent returns how many bytes of a stream the kernel has sent to its receiver, and whether the socket is open still.
func (c *Connection) sent(d stream.Direction) (count int64, open bool) {
	raw, err := c.sockets[d].SyscallConn()
	if err != nil {
		return 0, false
	}
	err = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil && info.State != tcpClose {
			count, open = int64(info.Bytes_sent-info.Bytes_retrans), true
		}
	})
	return count, open && err == nil
}

// Record writes the strike of a fault into the journal, and returns the connection's number there.
func (s *Struck) Record(fault string) int64 {
	s.Connection.watched.Struck(fault, s.Side, s.Bytes, s.Frame, s.IsExact)
	return s.Connection.watched.Number()
}
