package main

import (
	"fmt"
	"time"
)

// fragment cuts chunks into small pieces with gaps between them.
type fragment struct {
	SizeBytes int     `json:"size_bytes"`
	GapMs     float64 `json:"gap_ms"`
}

func (f fragment) checked() (fragment, error) {
	if f.SizeBytes < 1 {
		return f, fmt.Errorf("size_bytes must be at least 1, not %d", f.SizeBytes)
	}
	if !(f.GapMs >= 0 && f.GapMs <= maxDelayMs) {
		return f, fmt.Errorf("gap_ms must be between 0 and %d, not %v", maxDelayMs, f.GapMs)
	}
	return f, nil
}

func (f fragment) counter() string { return "pieces" }

func (f fragment) decide(m *memory, at time.Time, data []byte) verdict {
	gap := time.Duration(f.GapMs * float64(time.Millisecond))
	v := verdict{pieces: make([]piece, 0, len(data)/f.SizeBytes+1)}
	for len(data) > 0 {
		n := min(f.SizeBytes, len(data))
		due := m.last.Add(gap)
		if due.Before(at) {
			due = at
		}
		m.last = due
		v.pieces = append(v.pieces, piece{data[:n], due})
		data = data[n:]
	}
	v.hits = int64(len(v.pieces))
	return v
}
