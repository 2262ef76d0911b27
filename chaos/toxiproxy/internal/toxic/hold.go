package toxic

import (
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Hold lets nothing through and loses nothing: a partition that heals in place.
type Hold struct{}

func (h Hold) Checked() (Hold, error) { return h, nil }

func (h Hold) Counter() string { return "held_bytes" }

func (h Hold) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	return stage.Decision{Pieces: stage.Pass(data, stage.Never), Hits: int64(len(data))}
}

func (h Hold) Finish(m *stage.ConnState, at time.Time) time.Time { return stage.Never }
