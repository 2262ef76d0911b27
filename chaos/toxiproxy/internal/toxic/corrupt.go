package toxic

import (
	"fmt"
	"math"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Corrupt damages bytes, each with the same probability, and keeps their number.
type Corrupt struct {
	RatePerByte float64 `json:"rate_per_byte"`
	Flip        string  `json:"flip"`
}

func (c Corrupt) Checked() (Corrupt, error) {
	if c.Flip == "" {
		c.Flip = "bit"
	}
	if !(c.RatePerByte >= 0 && c.RatePerByte <= 1) {
		return c, fmt.Errorf("rate_per_byte must be between 0 and 1, not %v", c.RatePerByte)
	}
	if c.Flip != "bit" && c.Flip != "byte" && c.Flip != "zero" {
		return c, fmt.Errorf("flip must be bit, byte or zero, not %q", c.Flip)
	}
	return c, nil
}

func (c Corrupt) Counter() string { return "damaged_bytes" }

// Decide draws the gap to the next damaged byte instead of once for every byte: a rate of 1e-6 costs nothing, and the
// positions do not depend on how the stream was cut into chunks.
func (c Corrupt) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if m.GapRate != c.RatePerByte {
		m.GapRate, m.Gap = c.RatePerByte, c.draw(m)
	}
	v := stage.Decision{Pieces: stage.Pass(data, at)}
	position := int64(0)
	for ; m.Gap < int64(len(data))-position; m.Gap = c.draw(m) {
		position += m.Gap
		damaged := c.damage(m, data[position])
		if damaged != data[position] {
			v.Hits++
		}
		data[position] = damaged
		position++
	}
	m.Gap -= int64(len(data)) - position
	return v
}

func (c Corrupt) draw(m *stage.ConnState) int64 {
	if c.RatePerByte <= 0 {
		return math.MaxInt64
	}
	gap := math.Log(1-m.RNG.Float64()) / math.Log1p(-c.RatePerByte)
	return int64(min(gap, math.MaxInt64/2))
}

func (c Corrupt) damage(m *stage.ConnState, b byte) byte {
	switch c.Flip {
	case "bit":
		return b ^ 1<<m.RNG.IntN(8)
	case "byte":
		return b ^ byte(1+m.RNG.IntN(255))
	default:
		return 0
	}
}
