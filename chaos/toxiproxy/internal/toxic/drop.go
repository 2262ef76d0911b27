package toxic

import (
	"fmt"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Drop loses whole chunks and keeps the connection.
type Drop struct {
	Probability float64 `json:"probability"`
}

func checkProbability(p float64) error {
	if !(p >= 0 && p <= 1) {
		return fmt.Errorf("probability must be between 0 and 1, not %v", p)
	}
	return nil
}

func (d Drop) Checked() (Drop, error) { return d, checkProbability(d.Probability) }

func (d Drop) Counter() string { return "dropped_chunks" }

func (d Drop) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if m.RNG.Float64() < d.Probability {
		return stage.Decision{Hits: 1}
	}
	return stage.Decision{Pieces: stage.Pass(data, at)}
}
