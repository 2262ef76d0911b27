package toxic

import (
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Forget makes bytes and FIN vanish on connections that were closed at one end, so that the other end does not notice. All other
// connections, later ones too, pass. A fault that closes one end adds it.
type Forget struct{}

func (f Forget) Checked() (Forget, error) { return f, nil }

func (f Forget) Counter() string { return "forgotten_bytes" }

func (f Forget) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if !m.Forgotten {
		return stage.Decision{Pieces: stage.Pass(data, at)}
	}
	return stage.Decision{Hits: int64(len(data)), Lost: true}
}

func (f Forget) Finish(m *stage.ConnState, at time.Time) time.Time {
	if !m.Forgotten {
		return at
	}
	return stage.Never
}
