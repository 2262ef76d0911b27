package toxic_test

import (
	"bytes"
	"math/rand"
	"slices"
	"testing"
	"testing/quick"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

var moment = time.Unix(1_000_000, 0)

func newState(seed, number int64) *stage.ConnState {
	return &stage.ConnState{RNG: stage.NewRNG(seed, "worker-1/upstream/x", number), Newcomer: -1, Upstream: true}
}

// through sends data through a decision in chunks of the given size and returns what comes out.
func through[S stage.Settings[S]](s S, m *stage.ConnState, data []byte, size int) (out []byte, hits int64) {
	for chunk := range slices.Chunk(data, size) {
		v := s.Decide(m, moment, bytes.Clone(chunk))
		hits += v.Hits
		for _, p := range v.Pieces {
			out = append(out, p.Data...)
		}
	}
	return out, hits
}

// arrivals are chunks as a sender may write them: bursts, trickles, and silences between them.
type arrivals []struct {
	Bytes uint16
	After uint16 // Milliseconds since the chunk before.
	Quiet bool   // A long silence comes first.
}

// A schedule is when each chunk arrived, and when its pieces leave.
type schedule struct {
	arrived time.Time
	data    []byte
	pieces  []stage.Piece
}

func run[S stage.Settings[S]](s S, m *stage.ConnState, chunks arrivals) []schedule {
	at, next := time.Unix(1_000, 0), byte(0)
	var all []schedule
	for _, chunk := range chunks {
		at = at.Add(time.Duration(chunk.After%200) * time.Millisecond)
		if chunk.Quiet {
			at = at.Add(30 * time.Second)
		}
		data := make([]byte, 1+chunk.Bytes%5_000)
		for i := range data {
			data[i], next = next, next+1
		}
		v := s.Decide(m, at, data)
		all = append(all, schedule{at, data, v.Pieces})
	}
	return all
}

func check(t *testing.T, property any) {
	t.Helper()
	if err := quick.Check(property, &quick.Config{MaxCount: 300, Rand: rand.New(rand.NewSource(1))}); err != nil {
		t.Error(err)
	}
}
