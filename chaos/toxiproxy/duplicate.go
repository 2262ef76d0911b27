package main

import (
	"bytes"
	"time"
)

// duplicate sends whole chunks twice.
type duplicate struct {
	Probability float64 `json:"probability"`
}

func (d duplicate) checked() (duplicate, error) { return d, checkProbability(d.Probability) }

func (d duplicate) counter() string { return "duplicated_chunks" }

func (d duplicate) decide(m *memory, at time.Time, data []byte) verdict {
	if m.rng.Float64() >= d.Probability {
		return verdict{pieces: pass(data, at)}
	}
	// A copy, because a later toxic damages bytes where they lie.
	return verdict{pieces: []piece{{data, at}, {bytes.Clone(data), at}}, hits: 1}
}
