package main

import "time"

// hold lets nothing through and loses nothing: a partition that heals in place.
type hold struct{}

func (h hold) checked() (hold, error) { return h, nil }

func (h hold) counter() string { return "held_bytes" }

func (h hold) decide(m *memory, at time.Time, data []byte) verdict {
	return verdict{pieces: pass(data, never), hits: int64(len(data))}
}

func (h hold) finish(m *memory, at time.Time) time.Time { return never }
