package toxic

import (
	"fmt"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Throttle sends bytes at a rate, as a slow line does: each piece leaves when its last byte has been sent, and silence earns no
// credit.
type Throttle struct {
	RateBytesPerS int64 `json:"rate_bytes_per_s"`
}

// throttlePiece is the share of a second that one piece takes.
const throttlePiece = 50

func (t Throttle) Checked() (Throttle, error) {
	if t.RateBytesPerS < 1 || t.RateBytesPerS > 1e12 {
		return t, fmt.Errorf("rate_bytes_per_s must be between 1 and 1e12, not %d (to let nothing through, use hold)", t.RateBytesPerS)
	}
	return t, nil
}

func (t Throttle) Counter() string { return "throttled_bytes" }

func (t Throttle) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	size := int(max(t.RateBytesPerS/throttlePiece, 1))
	v := stage.Decision{Hits: int64(len(data)), Pieces: make([]stage.Piece, 0, len(data)/size+1)}
	if m.Last.Before(at) {
		m.Last = at
	}
	for len(data) > 0 {
		n := min(size, len(data))
		m.Last = m.Last.Add(time.Duration(float64(n) / float64(t.RateBytesPerS) * float64(time.Second)))
		v.Pieces = append(v.Pieces, stage.Piece{Data: data[:n], Due: m.Last})
		data = data[n:]
	}
	return v
}
