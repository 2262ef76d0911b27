package toxic

import (
	"bytes"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Duplicate sends whole chunks twice.
type Duplicate struct {
	Probability float64 `json:"probability"`
}

func (d Duplicate) Checked() (Duplicate, error) { return d, checkProbability(d.Probability) }

func (d Duplicate) Counter() string { return "duplicated_chunks" }

func (d Duplicate) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if m.RNG.Float64() >= d.Probability {
		return stage.Decision{Pieces: stage.Pass(data, at)}
	}
	// A copy, because a later toxic damages bytes in place.
	return stage.Decision{Pieces: []stage.Piece{{Data: data, Due: at}, {Data: bytes.Clone(data), Due: at}}, Hits: 1}
}
