package main

import "time"

// blackhole makes bytes and FIN vanish and closes nothing. A stream with a hole in it cannot be mended, so connections that
// lost something are closed when it ends.
type blackhole struct{}

func (b blackhole) checked() (blackhole, error) { return b, nil }

func (b blackhole) counter() string { return "lost_bytes" }

func (b blackhole) decide(m *memory, at time.Time, data []byte) verdict {
	return verdict{hits: int64(len(data)), lost: true}
}

func (b blackhole) finish(m *memory, at time.Time) time.Time { return never }
