package fault_test

import (
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/labtest"
)

// asBefore waits until nothing more is left than there was.
func asBefore(h *labtest.Harness, goroutines, descriptors int) {
	h.Helper()
	for deadline := time.Now().Add(labtest.Timeout); ; time.Sleep(20 * time.Millisecond) {
		http.DefaultClient.CloseIdleConnections()
		g, d := resources(h)
		if g <= goroutines && d <= descriptors {
			return
		}
		if time.Now().After(deadline) {
			var left strings.Builder
			h.Must(pprof.Lookup("goroutine").WriteTo(&left, 1))
			h.Fatalf("%d goroutines and %d descriptors became %d and %d:\n%s", goroutines, descriptors, g, d, &left)
		}
	}
}

// resources counts what must not leak.
func resources(h *labtest.Harness) (goroutines, descriptors int) {
	clock.NewTimer().Stop() // It is made once, when it is first needed.
	entries, err := os.ReadDir("/proc/self/fd")
	h.Must(err)
	return runtime.NumGoroutine(), len(entries)
}

func TestBusyConnectionsThatAreCutOrResetLeaveNothingBehind(t *testing.T) {
	h := labtest.New(t, "a")
	http.DefaultClient.CloseIdleConnections()
	goroutines, descriptors := resources(h)
	for i := range 40 {
		client, server := h.Connect("a")
		for _, e := range []*labtest.Peer{client, server} {
			e.Flood()
		}
		client.Take(10_000)
		h.Inject("f", labtest.A, []string{"reset", "cut", "refuse", "none"}[i%4], labtest.Toxic("delay", "both", map[string]any{"mean_ms": 5}),
			labtest.Toxic("corrupt", "downstream", map[string]any{"rate_per_byte": 1e-3}))
		h.End("f")
		client.Close()
		server.Close()
	}
	asBefore(h, goroutines, descriptors)
	h.Until("no connection is known any more", func() bool { return len(h.Server.Links.Get("a").Connections()) == 0 })
}

func TestManyCyclesLeakNothing(t *testing.T) {
	const cycles = 2_000
	links := labtest.Names(4)
	h := labtest.New(t, links...)
	var ends []*labtest.Peer
	for _, name := range append(links, links...) {
		client, server := h.Connect(name)
		ends = append(ends, client, server)
	}
	ping := func() {
		for pair := range slices.Chunk(ends, 2) {
			pair[0].Send([]byte("ping"))
			pair[1].Expect([]byte("ping"))
		}
	}
	ping()
	goroutines, descriptors := resources(h)
	for i := range cycles {
		h.Inject("f", links, "none", labtest.Toxic("delay", "both", map[string]any{"mean_ms": 1}), labtest.Toxic("hold", "upstream", nil))
		if i%100 == 0 {
			ends[0].Send([]byte("x"))
		}
		h.End("f")
		if i%100 == 0 {
			ends[1].Expect([]byte("x"))
		}
	}
	ping()
	asBefore(h, goroutines, descriptors)
	for _, name := range links {
		if l := h.Link(name); l.Connections != 2 || len(l.Toxics) > 0 {
			t.Errorf("left: %+v", l)
		}
	}
}
