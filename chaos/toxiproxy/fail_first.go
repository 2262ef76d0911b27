package main

import (
	"fmt"
	"time"
)

// failFirst ends the first new connections at once; those after them, and those that were there, never notice.
type failFirst struct {
	Connections int64  `json:"connections"`
	How         string `json:"how"`
}

func (f failFirst) checked() (failFirst, error) {
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

func (f failFirst) counter() string { return "failed_connections" }

func (f failFirst) open(m *memory) verdict {
	if m.newcomer >= f.Connections {
		return verdict{}
	}
	m.swallows = true
	if f.How == "rst" {
		return verdict{hits: 1, ending: resets}
	}
	return verdict{hits: 1, ending: finsNow}
}

func (f failFirst) decide(m *memory, at time.Time, data []byte) verdict {
	if m.swallows {
		return verdict{}
	}
	return verdict{pieces: pass(data, at)}
}
