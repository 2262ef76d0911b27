package main

import (
	"fmt"
	"time"
)

// drop loses whole chunks and keeps the connection.
type drop struct {
	Probability float64 `json:"probability"`
}

func checkProbability(p float64) error {
	if !(p >= 0 && p <= 1) {
		return fmt.Errorf("probability must be between 0 and 1, not %v", p)
	}
	return nil
}

func (d drop) checked() (drop, error) { return d, checkProbability(d.Probability) }

func (d drop) counter() string { return "dropped_chunks" }

func (d drop) decide(m *memory, at time.Time, data []byte) verdict {
	if m.rng.Float64() < d.Probability {
		return verdict{hits: 1}
	}
	return verdict{pieces: pass(data, at)}
}
