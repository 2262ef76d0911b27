// Package stage runs a toxic of ours as one stage of Toxiproxy's pipeline: it waits, queues, and can always be interrupted, while the
// toxic decides what becomes of the bytes.
//
// It imports clock, internals, link and problem of this program. Begin with Settings, then Runner.
package stage

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// Settings are one of our toxics as pure decisions: no clock, socket or channel. Its fields are the toxic's attributes in JSON.
type Settings[S any] interface {
	// Checked returns the settings with defaults for what was left out, or an error.
	Checked() (S, error)
	// Decide returns what becomes of bytes that arrived at a time. It may change the bytes in place.
	Decide(m *ConnState, at time.Time, data []byte) Decision
	// Counter names what the hits of a decision count.
	Counter() string
}

// Three abilities that settings may have besides.
type (
	// An Opener decides about a new connection before any byte.
	Opener interface{ Open(m *ConnState) Decision }
	// A Finisher decides when the end of the stream may follow; without it, right after the last byte.
	Finisher interface {
		Finish(m *ConnState, at time.Time) time.Time
	}
	// A Bufferer may hold more bytes than BufferBytes before it stops reading.
	Bufferer interface{ Buffer() int }
)

// BufferBytes bounds what a toxic holds of one stream; beyond it, it stops reading and TCP holds the sender back.
const BufferBytes = 64 << 10

// Never is later than any moment at which a toxic would send: such bytes leave when the toxic ends.
var Never = time.Unix(math.MaxInt32, 0)

// A Piece is bytes that leave when they are due. Pieces leave in order, whatever their times.
type Piece struct {
	Data []byte
	Due  time.Time
}

// A Decision is what becomes of bytes: the pieces that go on, and sometimes the end of the connection.
type Decision struct {
	Pieces []Piece
	Hits   int64  // Adds to the toxic's counter.
	Lost   bool   // The connection has lost bytes for good and is closed when the toxic ends.
	Close  Close  // How the connection ends, if it does.
	Reply  []byte // Is sent to the client before the end.
}

// Close is how a connection ends by a decision.
type Close int

const (
	None     Close = iota // The connection stays.
	FINAfter              // FIN to the receiver when the pieces have left.
	FINNow                // FIN to both ends at once.
	RST                   // RST to both ends at once.
)

// Pass returns bytes as one piece that is due at a time.
func Pass(data []byte, at time.Time) []Piece { return []Piece{{data, at}} }

// A ConnState is what a toxic keeps for one stream of a connection.
type ConnState struct {
	RNG      *rand.Rand
	Upstream bool  // The stream goes from client to server.
	Newcomer int64 // The number of the connection among the new ones since the toxic began, from 0; -1 for older ones.
	Seen     int64
	Last     time.Time // When the latest piece is due.
	Gap      int64     // Bytes before the next damaged one, at GapRate.
	GapRate  float64
	Swallows bool
	Request  []byte
	// Forgotten is set once the connection was closed at one end, and the other end is not to notice.
	Forgotten bool
}

// NewRNG makes the random numbers of one connection: the same seed, place and number give the same ones on any machine.
func NewRNG(seed int64, place string, number int64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(place))
	return rand.New(rand.NewPCG(uint64(seed)^h.Sum64(), uint64(number)))
}
