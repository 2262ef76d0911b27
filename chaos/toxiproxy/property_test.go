package main

import (
	"bytes"
	"math/rand"
	"testing"
	"testing/quick"
	"time"
)

// arrivals are chunks as a sender may write them: bursts, trickles, and silences between them.
type arrivals []struct {
	Bytes uint16
	After uint16 // Milliseconds since the chunk before.
	Quiet bool   // A long silence comes first.
}

// A schedule is when each chunk arrived, and when its pieces leave.
type schedule struct {
	arrived time.Time
	data    []byte
	pieces  []piece
}

func run[S settings[S]](s S, m *memory, chunks arrivals) []schedule {
	at, next := time.Unix(1_000, 0), byte(0)
	var all []schedule
	for _, chunk := range chunks {
		at = at.Add(time.Duration(chunk.After%200) * time.Millisecond)
		if chunk.Quiet {
			at = at.Add(30 * time.Second)
		}
		data := make([]byte, 1+chunk.Bytes%5_000)
		for i := range data {
			data[i], next = next, next+1
		}
		v := s.decide(m, at, data)
		all = append(all, schedule{at, data, v.pieces})
	}
	return all
}

func check(t *testing.T, property any) {
	t.Helper()
	if err := quick.Check(property, &quick.Config{MaxCount: 300, Rand: rand.New(rand.NewSource(1))}); err != nil {
		t.Error(err)
	}
}

// A plain line: it sends one byte after the other, and is idle when there is none. No window lets more through than its
// rate, silence earns no credit, and none of the rate is left unused.
func TestAThrottleIsAPlainLineWhateverArrives(t *testing.T) {
	check(t, func(chunks arrivals, drawn uint32) bool {
		rate := int64(drawn%200_000) + 1_000
		freeAt := time.Unix(0, 0)
		all := run(throttle{rate}, remember(0, 0), chunks)
		var sent []piece
		for _, each := range all {
			if freeAt.Before(each.arrived) {
				freeAt = each.arrived
			}
			var together []byte
			for _, p := range each.pieces {
				if int64(len(p.data)) > max(rate/throttlePiece, 1) {
					return false
				}
				freeAt = freeAt.Add(time.Duration(float64(len(p.data)) / float64(rate) * 1e9))
				if off := p.due.Sub(freeAt); off < -time.Microsecond || off > time.Microsecond {
					return false
				}
				together = append(together, p.data...)
			}
			if !bytes.Equal(together, each.data) {
				return false
			}
			sent = append(sent, each.pieces...)
		}
		for i := range sent {
			total := 0
			for j := i + 1; j < len(sent) && j < i+60; j++ {
				total += len(sent[j].data)
				window := sent[j].due.Sub(sent[i].due) + time.Microsecond
				if float64(total) > float64(rate)*window.Seconds()+1 {
					return false
				}
			}
		}
		return true
	})
}

// Whatever the distribution: nothing is lost, nothing overtakes, nothing leaves before it came, and the draws of chunks in
// flight together do not add up.
func TestADelayKeepsOrderAndBytesWhateverArrives(t *testing.T) {
	names := []string{"uniform", "normal", "lognormal", "pareto"}
	check(t, func(chunks arrivals, mean, jitter uint16, which uint8) bool {
		d := delay{float64(mean%500) + 1, float64(jitter % 100), names[int(which)%len(names)]}
		plain, m, latest := remember(7, 0), remember(7, 0), time.Time{}
		for _, each := range run(d, m, chunks) {
			due := each.arrived.Add(time.Duration(d.drawMs(plain) * float64(time.Millisecond)))
			if due.Before(latest) {
				due = latest
			}
			latest = due
			if len(each.pieces) != 1 || !bytes.Equal(each.pieces[0].data, each.data) || !each.pieces[0].due.Equal(due) {
				return false
			}
			if due.Before(each.arrived) || (d.JitterMs == 0 && due.Sub(each.arrived) != time.Duration(d.MeanMs*1e6)) {
				return false
			}
		}
		return d.finish(m, time.Unix(0, 0)).Equal(latest) || len(chunks) == 0
	})
}
