package toxic_test

import (
	"bytes"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/stage"
	"stormlab/toxiproxy/internal/toxic"
)

func TestThrottledBytesAreDueAtTheRate(t *testing.T) {
	for _, rate := range []int64{10, 64_000, 1_000_000} {
		m, s := newState(0, 0), toxic.Throttle{rate}
		total := rate * 5
		var last time.Time
		for left := total; left > 0; left -= 1000 {
			for _, p := range s.Decide(m, moment, make([]byte, min(left, 1000))).Pieces {
				last = p.Due
			}
		}
		if took := last.Sub(moment); took < 4999*time.Millisecond || took > 5001*time.Millisecond {
			t.Errorf("%d bytes at %d a second are due after %s", total, rate, took)
		}
	}
}

// A plain line: it sends one byte after the other, and is idle when there is none. No window lets more through than its
// rate, silence earns no credit, and none of the rate is left unused.
func TestAThrottleIsAPlainLineWhateverArrives(t *testing.T) {
	check(t, func(chunks arrivals, drawn uint32) bool {
		rate := int64(drawn%200_000) + 1_000
		freeAt := time.Unix(0, 0)
		all := run(toxic.Throttle{rate}, newState(0, 0), chunks)
		var sent []stage.Piece
		for _, each := range all {
			if freeAt.Before(each.arrived) {
				freeAt = each.arrived
			}
			var together []byte
			for _, p := range each.pieces {
				if int64(len(p.Data)) > max(rate/toxic.ThrottlePiece, 1) {
					return false
				}
				freeAt = freeAt.Add(time.Duration(float64(len(p.Data)) / float64(rate) * 1e9))
				if off := p.Due.Sub(freeAt); off < -time.Microsecond || off > time.Microsecond {
					return false
				}
				together = append(together, p.Data...)
			}
			if !bytes.Equal(together, each.data) {
				return false
			}
			sent = append(sent, each.pieces...)
		}
		for i := range sent {
			total := 0
			for j := i + 1; j < len(sent) && j < i+60; j++ {
				total += len(sent[j].Data)
				window := sent[j].Due.Sub(sent[i].Due) + time.Microsecond
				if float64(total) > float64(rate)*window.Seconds()+1 {
					return false
				}
			}
		}
		return true
	})
}

func TestAThrottledStreamIsNoFasterThanItsRate(t *testing.T) {
	const rate = 64_000
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("throttle", "upstream", map[string]any{"rate_bytes_per_s": rate}))
	start := time.Now()
	go client.Send(make([]byte, rate/2))
	server.Take(rate / 2)
	if took := time.Since(start); took < 450*time.Millisecond {
		t.Errorf("half a second's bytes came after %s", took)
	}
}
