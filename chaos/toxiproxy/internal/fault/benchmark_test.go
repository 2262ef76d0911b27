package fault_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/labtest"
)

// How exact and how quick the server is. Benchmarks, since a busy machine must fail no test:
//   go test -run NONE -bench . -benchtime 20x

func percentile(sample []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(sample))
	return sorted[len(sorted)*percent/100]
}

func reportMs(b *testing.B, name string, value time.Duration) {
	b.ReportMetric(float64(value)/1e6, name+"_ms")
}

func BenchmarkBeginOn200Links(b *testing.B) {
	links := labtest.Names(200)
	for _, action := range []string{"block_new", "refuse", "cut", "reset"} {
		b.Run(action, func(b *testing.B) {
			h := labtest.New(b, links...)
			var late, spread []time.Duration
			for b.Loop() {
				var ends []*labtest.Peer
				for _, name := range links {
					client, server := h.Connect(name)
					ends = append(ends, client, server)
				}
				begin := clock.MonoNs() + int64(200*time.Millisecond)
				var v fault.View
				h.Call("POST", "/lab/faults", fault.Request{
					ID: "f", Links: links, Action: action, LeaseMs: 60_000, BeginAtMonoNs: begin,
				}, http.StatusCreated, &v)
				h.End("f")
				for _, e := range ends {
					e.Close()
				}
				late = append(late, time.Duration(v.BeganAtMonoNs-begin))
				spread = append(spread, time.Duration(v.SpreadNs))
			}
			reportMs(b, "late_p50", percentile(late, 50))
			reportMs(b, "spread_p50", percentile(spread, 50))
		})
	}
}

func BenchmarkDelayError(b *testing.B) {
	h := labtest.New(b, "a")
	client, server := h.Connect("a")
	trip := func() time.Duration {
		start := time.Now()
		client.Send([]byte("x"))
		server.Take(1)
		return time.Since(start)
	}
	const asked = 20 * time.Millisecond
	var wrong []time.Duration
	for b.Loop() {
		base := trip()
		h.Inject("f", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 20}))
		late := trip()
		h.End("f")
		wrong = append(wrong, (late - base - asked).Abs())
	}
	reportMs(b, "error_p50", percentile(wrong, 50))
	reportMs(b, "error_p99", percentile(wrong, 99))
}

func BenchmarkInjectAndEnd(b *testing.B) {
	links := labtest.Names(4)
	h := labtest.New(b, links...)
	for _, name := range append(links, links...) {
		h.Connect(name)
	}
	var calls []time.Duration
	timed := func(do func()) {
		start := time.Now()
		do()
		calls = append(calls, time.Since(start))
	}
	for b.Loop() {
		timed(func() {
			h.Inject("f", links, "none", labtest.Toxic("delay", "both", map[string]any{"mean_ms": 1}), labtest.Toxic("hold", "upstream", nil))
		})
		timed(func() { h.End("f") })
	}
	reportMs(b, "call_p99", percentile(calls, 99))
}
