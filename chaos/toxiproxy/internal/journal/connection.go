package journal

import (
	"sync"
	"sync/atomic"
	"time"

	"stormlab/toxiproxy/internal/websocket"
)

// A Side is one end of a connection, and the stream that it sends.
type Side = websocket.Side

const (
	Client = websocket.Client
	Server = websocket.Server
	sides  = websocket.Sides
)

// How a side of a connection ends.
const (
	FIN     = "fin"
	RST     = "rst"
	Timeout = "timeout" // The kernel gave up: keepalive or retransmission.
	Closed  = "closed"  // By the door: because the other side had ended, or by a fault.
)

// Times are those of a connection that was accepted by a pair: the accept, the begin of the dial, and its end.
type Times struct{ Asked, Dialling, Dialled time.Time }

// A Connection is what the journal has seen of one connection. All methods do nothing on a nil Connection.
type Connection struct {
	journal *Journal
	link    string
	id      int64
	opened  time.Time
	seen    time.Time   // When its last line was written; used by the journal's own goroutine alone.
	waits   atomic.Bool // For its first line to be written or left out: none about it goes before that.

	mu      sync.Mutex
	streams [sides]streamState
	dialog  *dialog   // Nil where the streams are no HTTP, or no more.
	door    string    // How the door has begun to end it,
	doorAt  time.Time // and when, where both sides end at once.
	by, how string    // Of the first end.
	changed bool      // Since the last line.
}

type streamState struct {
	bytes       int64
	first, last time.Time
	ended       time.Time
	how         string
}

// Opened begins to watch a connection that is joined to its link.
func (j *Journal) Opened(link string, times Times) *Connection {
	if j == nil {
		return nil
	}
	now := time.Now()
	c := &Connection{journal: j, link: link, id: j.last.Add(1), opened: now, seen: now, dialog: &dialog{}}
	j.mu.Lock()
	j.live[c.id] = c
	j.mu.Unlock()
	c.waits.Store(true)
	j.put(entry{at: now, kind: "connection_opened", link: link, opened: c, line: &connectionOpened{
		Link: cut(link), Connection: c.id,
		AskedNs: j.ns(times.Asked), DiallingNs: j.ns(times.Dialling), DialledNs: j.ns(times.Dialled),
	}})
	return c
}

// lineIsDue says that the first line is written before any that follows, or left out. A nil Connection is left out.
func (c *Connection) lineIsDue() {
	if c != nil {
		c.waits.Store(false)
	}
}

// Received takes what a side sent, as it came to the door.
func (c *Connection) Received(from Side, data []byte, at time.Time) {
	if c == nil || len(data) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.streams[from]
	if s.bytes == 0 {
		s.first = at
	}
	s.bytes += int64(len(data))
	s.last, c.changed = at, true
	if c.dialog == nil {
		return
	}
	answer := c.dialog.feed(from, data, at)
	if answer != nil {
		c.journal.put(entry{at: at, kind: "connection_answered", link: c.link, line: &connectionAnswered{
			Link: cut(c.link), Connection: c.id, Status: answer.Status, WebSocket: answer.WebSocket,
		}})
	}
	if c.dialog.handshake.Opaque {
		c.dialog = nil
	}
}

// Struck says that a fault begins now by itself, after so many bytes that a side has sent, in or at the border of a frame of that number.
func (c *Connection) Struck(fault string, side Side, bytes, frame int64, isExact bool) {
	if c == nil {
		return
	}
	c.journal.put(entry{at: time.Now(), kind: "fault_struck", link: c.link, line: &faultStruck{
		Link: cut(c.link), Connection: c.id, Fault: cut(fault), Side: side.String(), Bytes: bytes, Frame: frame, Exact: isExact,
	}})
}

// Number returns the connection's number in the journal; 0 of one that is in none.
func (c *Connection) Number() int64 {
	if c == nil {
		return 0
	}
	return c.id
}

// DoorEnds says that the door ends the sides that have not ended yet. atOnce: they end now, and not when the door finds them ended.
func (c *Connection) DoorEnds(how string, atOnce bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.door == "" {
		c.door = how
		if atOnce {
			c.doorAt = time.Now()
		}
	}
}

// DoorCloses says that the door ends one side now, with FIN or RST, and leaves the other to itself.
func (c *Connection) DoorCloses(side Side, how string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	whole := c.how == ""
	c.end(side, Closed, time.Now())
	if whole {
		c.how = how
	}
}

// IsWhole returns whether no side has ended.
func (c *Connection) IsWhole() bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.how == ""
}

// Ended says that a side has ended, and how.
func (c *Connection) Ended(side Side, how string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(side, how, time.Now())
}

// Gone says that nothing is left of the connection.
func (c *Connection) Gone() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.end(Client, Closed, now)
	c.end(Server, Closed, now)
}

func (c *Connection) end(side Side, how string, now time.Time) {
	s := &c.streams[side]
	if s.how != "" {
		return
	}
	if c.door != "" {
		how = Closed
	}
	if !c.doorAt.IsZero() {
		now = c.doorAt
	}
	s.how, s.ended, c.changed = how, now, true
	if c.how == "" {
		c.by, c.how = side.String(), how
		if how == Closed {
			c.by = "door"
		}
		if c.door != "" {
			c.how = c.door
		}
		return
	}
	line := c.view()
	c.journal.put(entry{at: now, kind: "connection_ended", link: c.link, line: line})
	c.journal.mu.Lock()
	delete(c.journal.live, c.id)
	c.journal.mu.Unlock()
}

// summary returns the line of a live connection; nil where nothing changed since the last one, or its first line still waits.
func (c *Connection) summary(now time.Time) *connectionSeen {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waits.Load() || !c.changed || c.streams[Client].how != "" && c.streams[Server].how != "" {
		return nil
	}
	c.seen, c.changed = now, false
	return c.view()
}

func (c *Connection) view() *connectionSeen {
	j := c.journal
	line := &connectionSeen{Link: cut(c.link), Connection: c.id, OpenedNs: j.ns(c.opened), EndedBy: c.by, How: c.how}
	for side, view := range map[Side]*sideView{Client: &line.Client, Server: &line.Server} {
		s := c.streams[side]
		*view = sideView{Bytes: s.bytes, FirstNs: j.ns(s.first), LastNs: j.ns(s.last), EndedNs: j.ns(s.ended), How: s.how}
		if c.dialog != nil {
			view.CloseCode = c.dialog.closeCodes[side]
			view.Pings = c.dialog.pings[side].summary(j.ns)
		}
	}
	return line
}
