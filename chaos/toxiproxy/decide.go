package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// A settings is what one of our toxics does, as pure decisions: no clock, socket or channel. Its fields are the toxic's
// attributes in JSON.
type settings[S any] interface {
	// checked fills in what was left out, or says what is wrong.
	checked() (S, error)
	// decide says what becomes of the bytes that arrived at that moment.
	decide(m *memory, at time.Time, data []byte) verdict
	// counter names what a verdict's hits count.
	counter() string
}

// Three abilities that a toxic may have besides.
type (
	// An opener has a say when a new connection meets the toxic, before any byte.
	opener interface{ open(m *memory) verdict }
	// A finisher says when the end of the stream may follow; without it, right after the last byte.
	finisher interface {
		finish(m *memory, at time.Time) time.Time
	}
	// A bufferer may hold more bytes than bufferBytes before it stops reading.
	bufferer interface{ buffer() int }
)

// bufferBytes bounds what a toxic holds of one stream; beyond it, it stops reading and TCP holds the sender back.
const bufferBytes = 64 << 10

// never is later than any moment at which a toxic would send: such bytes leave when the toxic ends.
var never = time.Unix(math.MaxInt32, 0)

// A piece is bytes that leave at a moment. Pieces leave in order, whatever their moments.
type piece struct {
	data []byte
	due  time.Time
}

// A verdict is what becomes of bytes: the pieces that go on, and sometimes the end of the connection.
type verdict struct {
	pieces []piece
	hits   int64  // Adds to the toxic's counter.
	lost   bool   // The connection has lost bytes for good and is closed when the toxic ends.
	ending ending // What becomes of the connection.
	reply  []byte // Goes back to the client before the ending.
}

type ending int

const (
	stays     ending = iota
	finsAfter        // FIN to the receiver when the pieces have left.
	finsNow          // FIN to both ends at once.
	resets           // RST to both ends at once.
)

func pass(data []byte, at time.Time) []piece { return []piece{{data, at}} }

// A memory is what a toxic remembers of one stream.
type memory struct {
	rng      *rand.Rand
	upstream bool  // The stream goes from client to server.
	newcomer int64 // The how manieth new connection this is since the toxic began, from 0; -1 for those older than it.
	seen     int64
	last     time.Time // When the latest piece is due.
	gap      int64     // Bytes before the next damaged one, at gapRate.
	gapRate  float64
	swallows bool
	request  []byte
}

// dice gives the draws of one connection: the same seed, place and number give the same draws on any machine.
func dice(seed int64, place string, number int64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(place))
	return rand.New(rand.NewPCG(uint64(seed)^h.Sum64(), uint64(number)))
}
