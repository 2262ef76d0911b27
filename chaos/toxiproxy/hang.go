package main

import "time"

// hang accepts new connections and never answers them; they are closed when it ends.
type hang struct{}

func (h hang) checked() (hang, error) { return h, nil }

func (h hang) counter() string { return "hung_connections" }

func (h hang) open(m *memory) verdict {
	m.swallows = true
	return verdict{hits: 1, lost: true}
}

func (h hang) decide(m *memory, at time.Time, data []byte) verdict {
	if m.swallows {
		return verdict{}
	}
	return verdict{pieces: pass(data, at)}
}
