package toxic

import (
	"fmt"
	"math"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Delay sends each chunk a drawn time after it arrived, in order. Due times count from arrivals, so that the draws of
// chunks in flight together do not add up.
type Delay struct {
	MeanMs       float64 `json:"mean_ms"`
	JitterMs     float64 `json:"jitter_ms"`
	Distribution string  `json:"distribution"`
}

const maxDelayMs = 600_000

func (d Delay) Checked() (Delay, error) {
	if d.Distribution == "" {
		d.Distribution = "uniform"
	}
	if !(d.MeanMs >= 0 && d.MeanMs <= maxDelayMs) {
		return d, fmt.Errorf("mean_ms must be between 0 and %d, not %v", maxDelayMs, d.MeanMs)
	}
	if !(d.JitterMs >= 0 && d.JitterMs <= maxDelayMs) {
		return d, fmt.Errorf("jitter_ms must be between 0 and %d, not %v", maxDelayMs, d.JitterMs)
	}
	switch d.Distribution {
	case "uniform", "normal":
	case "lognormal", "pareto":
		if d.MeanMs == 0 && d.JitterMs > 0 {
			return d, fmt.Errorf("a %s delay with jitter needs a mean_ms above 0", d.Distribution)
		}
	default:
		return d, fmt.Errorf("distribution must be uniform, normal, lognormal or pareto, not %q", d.Distribution)
	}
	return d, nil
}

func (d Delay) Counter() string { return "delayed_chunks" }

// Buffer allows 8 MiB in flight: 16 MB/s at 500 ms.
func (d Delay) Buffer() int { return 8 << 20 }

func (d Delay) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	return stage.Decision{Pieces: stage.Pass(data, d.due(m, at)), Hits: 1}
}

func (d Delay) Finish(m *stage.ConnState, at time.Time) time.Time { return d.due(m, at) }

func (d Delay) due(m *stage.ConnState, at time.Time) time.Time {
	due := at.Add(time.Duration(d.drawMs(m) * float64(time.Millisecond)))
	if due.Before(m.Last) {
		due = m.Last
	}
	m.Last = due
	return due
}

func (d Delay) drawMs(m *stage.ConnState) float64 {
	if d.JitterMs == 0 {
		return d.MeanMs
	}
	var ms float64
	switch ratio := d.JitterMs / d.MeanMs; d.Distribution {
	case "uniform":
		ms = d.MeanMs + d.JitterMs*(2*m.RNG.Float64()-1)
	case "normal":
		ms = d.MeanMs + d.JitterMs*m.RNG.NormFloat64()
	case "lognormal":
		variance := math.Log1p(ratio * ratio)
		ms = d.MeanMs * math.Exp(math.Sqrt(variance)*m.RNG.NormFloat64()-variance/2)
	case "pareto":
		shape := 1 + math.Sqrt(1+1/(ratio*ratio))
		ms = d.MeanMs * (shape - 1) / shape * math.Pow(1-m.RNG.Float64(), -1/shape)
	}
	return min(max(ms, 0), maxDelayMs)
}
