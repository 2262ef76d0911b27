package toxic

import (
	"fmt"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Fragment cuts chunks into small pieces with gaps between them.
type Fragment struct {
	SizeBytes int     `json:"size_bytes"`
	GapMs     float64 `json:"gap_ms"`
}

func (f Fragment) Checked() (Fragment, error) {
	if f.SizeBytes < 1 {
		return f, fmt.Errorf("size_bytes must be at least 1, not %d", f.SizeBytes)
	}
	if !(f.GapMs >= 0 && f.GapMs <= maxDelayMs) {
		return f, fmt.Errorf("gap_ms must be between 0 and %d, not %v", maxDelayMs, f.GapMs)
	}
	return f, nil
}

func (f Fragment) Counter() string { return "pieces" }

func (f Fragment) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	gap := time.Duration(f.GapMs * float64(time.Millisecond))
	v := stage.Decision{Pieces: make([]stage.Piece, 0, len(data)/f.SizeBytes+1)}
	for len(data) > 0 {
		n := min(f.SizeBytes, len(data))
		due := m.Last.Add(gap)
		if due.Before(at) {
			due = at
		}
		m.Last = due
		v.Pieces = append(v.Pieces, stage.Piece{Data: data[:n], Due: due})
		data = data[n:]
	}
	v.Hits = int64(len(v.Pieces))
	return v
}
