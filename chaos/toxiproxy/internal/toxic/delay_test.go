package toxic_test

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/toxic"
)

func TestDelaysHaveTheAskedMeanAndSpread(t *testing.T) {
	const n = 200_000
	for _, d := range []toxic.Delay{{100, 10, "uniform"}, {100, 10, "normal"}, {100, 30, "lognormal"}, {100, 20, "pareto"}, {20, 0, "uniform"}} {
		m := newState(9, 0)
		sum, squares, low := 0.0, 0.0, math.Inf(1)
		for range n {
			ms := d.DrawMs(m)
			sum, squares, low = sum+ms, squares+ms*ms, min(low, ms)
		}
		mean := sum / n
		spread := math.Sqrt(squares/n - mean*mean)
		want := d.JitterMs
		if d.Distribution == "uniform" {
			want /= math.Sqrt(3)
		}
		if math.Abs(mean-d.MeanMs) > 0.01*d.MeanMs || math.Abs(spread-want) > 0.01*d.MeanMs || low < 0 {
			t.Errorf("%+v: mean %.2f, deviation %.2f (want %.2f), lowest %.2f", d, mean, spread, want, low)
		}
	}
}

func TestDelaysOfChunksInFlightDoNotAddUp(t *testing.T) {
	d, m := toxic.Delay{100, 100, "uniform"}, newState(3, 0)
	var last time.Time
	waits := []time.Duration{}
	for i := range 2000 {
		at := moment.Add(time.Duration(i) * 5 * time.Millisecond)
		due := d.Decide(m, at, []byte("x")).Pieces[0].Due
		if due.Before(last) || due.Sub(at) > 200*time.Millisecond {
			t.Fatalf("chunk %d is due %s after it came, %s after its predecessor", i, due.Sub(at), due.Sub(last))
		}
		last = due
		waits = append(waits, due.Sub(at))
	}
	slices.SortFunc(waits, cmp.Compare[time.Duration])
	t.Logf("100 ± 100 ms at 5 ms spacing: median %s", waits[len(waits)/2])
}

// Whatever the distribution: nothing is lost, nothing overtakes, nothing leaves before it came, and the draws of chunks in
// flight together do not add up.
func TestADelayKeepsOrderAndBytesWhateverArrives(t *testing.T) {
	names := []string{"uniform", "normal", "lognormal", "pareto"}
	check(t, func(chunks arrivals, mean, jitter uint16, which uint8) bool {
		d := toxic.Delay{float64(mean%500) + 1, float64(jitter % 100), names[int(which)%len(names)]}
		plain, m, latest := newState(7, 0), newState(7, 0), time.Time{}
		for _, each := range run(d, m, chunks) {
			due := each.arrived.Add(time.Duration(d.DrawMs(plain) * float64(time.Millisecond)))
			if due.Before(latest) {
				due = latest
			}
			latest = due
			if len(each.pieces) != 1 || !bytes.Equal(each.pieces[0].Data, each.data) || !each.pieces[0].Due.Equal(due) {
				return false
			}
			if due.Before(each.arrived) || (d.JitterMs == 0 && due.Sub(each.arrived) != time.Duration(d.MeanMs*1e6)) {
				return false
			}
		}
		return d.Finish(m, time.Unix(0, 0)).Equal(latest) || len(chunks) == 0
	})
}

func TestADelayedStreamKeepsItsOrderAndItsPace(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 50, "jitter_ms": 40, "distribution": "normal"}))
	data := labtest.Pattern(4 << 20)
	start := time.Now()
	go client.Send(data)
	server.Expect(data)
	// Were each chunk's delay to wait for the one before, 128 chunks would take 6 s.
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("4 MiB through 50 ms took %s", took)
	}
}

func TestEndingADelayDeliversWhatIsUnderWayAtOnce(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("delay", "both", map[string]any{"mean_ms": 60_000}))
	client.Send([]byte("late"))
	client.TCPConn.CloseWrite()
	h.Until("the chunk is delayed", func() bool { return h.Count("f", "delayed_chunks") == 1 })
	h.End("f")
	data, err := server.Rest()
	if string(data) != "late" || err != nil {
		t.Errorf("received %q, %v", data, err)
	}
}

func TestADelayAddsAtLeastItsMean(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 40}))
	start := time.Now()
	client.Send([]byte("x"))
	server.Take(1)
	if took := time.Since(start); took < 40*time.Millisecond {
		t.Errorf("a byte came after %s", took)
	}
}
