package toxic

import (
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Hang accepts new connections and never answers them; they are closed when it ends.
type Hang struct{}

func (h Hang) Checked() (Hang, error) { return h, nil }

func (h Hang) Counter() string { return "hung_connections" }

func (h Hang) Open(m *stage.ConnState) stage.Decision {
	m.Swallows = true
	return stage.Decision{Hits: 1, Lost: true}
}

func (h Hang) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if m.Swallows {
		return stage.Decision{}
	}
	return stage.Decision{Pieces: stage.Pass(data, at)}
}
