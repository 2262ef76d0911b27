package main

import (
	"fmt"
	"math"
	"time"
)

// corrupt damages bytes, each with the same probability, and leaves their number alone.
type corrupt struct {
	RatePerByte float64 `json:"rate_per_byte"`
	Flip        string  `json:"flip"`
}

func (c corrupt) checked() (corrupt, error) {
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

func (c corrupt) counter() string { return "damaged_bytes" }

// decide draws the gap to the next damaged byte instead of a lot for every byte: a rate of 1e-6 costs nothing, and the
// positions do not depend on how the stream was cut into chunks.
func (c corrupt) decide(m *memory, at time.Time, data []byte) verdict {
	if m.gapRate != c.RatePerByte {
		m.gapRate, m.gap = c.RatePerByte, c.draw(m)
	}
	v := verdict{pieces: pass(data, at)}
	position := int64(0)
	for ; m.gap < int64(len(data))-position; m.gap = c.draw(m) {
		position += m.gap
		damaged := c.damage(m, data[position])
		if damaged != data[position] {
			v.hits++
		}
		data[position] = damaged
		position++
	}
	m.gap -= int64(len(data)) - position
	return v
}

func (c corrupt) draw(m *memory) int64 {
	if c.RatePerByte <= 0 {
		return math.MaxInt64
	}
	gap := math.Log(1-m.rng.Float64()) / math.Log1p(-c.RatePerByte)
	return int64(min(gap, math.MaxInt64/2))
}

func (c corrupt) damage(m *memory, b byte) byte {
	switch c.Flip {
	case "bit":
		return b ^ 1<<m.rng.IntN(8)
	case "byte":
		return b ^ byte(1+m.rng.IntN(255))
	default:
		return 0
	}
}
