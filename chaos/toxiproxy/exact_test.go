package main

import (
	"net/http"
	"slices"
	"testing"
	"time"
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
	links := many(200)
	for _, action := range []string{"block_new", "refuse", "cut", "reset"} {
		b.Run(action, func(b *testing.B) {
			w := newWorld(b, links...)
			var late, spread []time.Duration
			for b.Loop() {
				var ends []*end
				for _, name := range links {
					client, server := w.connect(name)
					ends = append(ends, client, server)
				}
				begin := monoNs() + int64(200*time.Millisecond)
				var v faultView
				w.call("POST", "/lab/faults", faultRequest{
					ID: "f", Links: links, Action: action, LeaseMs: 60_000, BeginAtMonoNs: begin,
				}, http.StatusCreated, &v)
				w.end("f")
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
	w := newWorld(b, "a")
	client, server := w.connect("a")
	trip := func() time.Duration {
		start := time.Now()
		client.send([]byte("x"))
		server.take(1)
		return time.Since(start)
	}
	const asked = 20 * time.Millisecond
	var wrong []time.Duration
	for b.Loop() {
		base := trip()
		w.inject("f", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 20}))
		late := trip()
		w.end("f")
		wrong = append(wrong, (late - base - asked).Abs())
	}
	reportMs(b, "error_p50", percentile(wrong, 50))
	reportMs(b, "error_p99", percentile(wrong, 99))
}

func BenchmarkInjectAndEnd(b *testing.B) {
	links := many(4)
	w := newWorld(b, links...)
	for _, name := range append(links, links...) {
		w.connect(name)
	}
	var calls []time.Duration
	timed := func(do func()) {
		start := time.Now()
		do()
		calls = append(calls, time.Since(start))
	}
	for b.Loop() {
		timed(func() {
			w.inject("f", links, "none", aToxic("delay", "both", map[string]any{"mean_ms": 1}), aToxic("hold", "upstream", nil))
		})
		timed(func() { w.end("f") })
	}
	reportMs(b, "call_p99", percentile(calls, 99))
}
