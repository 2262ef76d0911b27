package main

import (
	"fmt"
	"time"
)

// throttle lets bytes leave at a rate, as a slow line would: each piece leaves when its last byte has been sent, and
// silence earns no credit.
type throttle struct {
	RateBytesPerS int64 `json:"rate_bytes_per_s"`
}

// throttlePiece is the share of a second that one piece takes.
const throttlePiece = 50

func (t throttle) checked() (throttle, error) {
	if t.RateBytesPerS < 1 || t.RateBytesPerS > 1e12 {
		return t, fmt.Errorf("rate_bytes_per_s must be between 1 and 1e12, not %d (to let nothing through, use hold)", t.RateBytesPerS)
	}
	return t, nil
}

func (t throttle) counter() string { return "throttled_bytes" }

func (t throttle) decide(m *memory, at time.Time, data []byte) verdict {
	size := int(max(t.RateBytesPerS/throttlePiece, 1))
	v := verdict{hits: int64(len(data)), pieces: make([]piece, 0, len(data)/size+1)}
	if m.last.Before(at) {
		m.last = at
	}
	for len(data) > 0 {
		n := min(size, len(data))
		m.last = m.last.Add(time.Duration(float64(n) / float64(t.RateBytesPerS) * float64(time.Second)))
		v.pieces = append(v.pieces, piece{data[:n], m.last})
		data = data[n:]
	}
	return v
}
