package toxic

import (
	"fmt"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// FailFirst ends the first new connections at once; later ones, and those that were live, are not affected.
type FailFirst struct {
	Connections int64  `json:"connections"`
	How         string `json:"how"`
}

func (f FailFirst) Checked() (FailFirst, error) {
	if f.How == "" {
		f.How = "fin"
	}
	if f.Connections < 1 {
		return f, fmt.Errorf("connections must be at least 1, not %d", f.Connections)
	}
	if f.How != "fin" && f.How != "rst" {
		return f, fmt.Errorf("how must be fin or rst, not %q", f.How)
	}
	return f, nil
}

func (f FailFirst) Counter() string { return "failed_connections" }

func (f FailFirst) Open(m *stage.ConnState) stage.Decision {
	if m.Newcomer >= f.Connections {
		return stage.Decision{}
	}
	m.Swallows = true
	if f.How == "rst" {
		return stage.Decision{Hits: 1, Close: stage.RST}
	}
	return stage.Decision{Hits: 1, Close: stage.FINNow}
}

func (f FailFirst) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if m.Swallows {
		return stage.Decision{}
	}
	return stage.Decision{Pieces: stage.Pass(data, at)}
}
