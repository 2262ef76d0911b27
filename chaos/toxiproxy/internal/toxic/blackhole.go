package toxic

import (
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Blackhole makes bytes and FIN vanish and closes nothing. A stream with a hole in it cannot be repaired, so connections that
// lost something are closed when it ends.
type Blackhole struct{}

func (b Blackhole) Checked() (Blackhole, error) { return b, nil }

func (b Blackhole) Counter() string { return "lost_bytes" }

func (b Blackhole) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	return stage.Decision{Hits: int64(len(data)), Lost: true}
}

func (b Blackhole) Finish(m *stage.ConnState, at time.Time) time.Time { return stage.Never }
