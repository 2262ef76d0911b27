package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"
)

// stuff sends to a peer that does not read until nothing goes any more, and gives what was sent.
func (e *end) stuff() []byte {
	e.w.Helper()
	data := pattern(64 << 20)
	e.w.must(e.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)))
	n, err := e.Write(data)
	if err == nil {
		e.w.Fatal("64 MiB went to a peer that does not read")
	}
	return data[:n]
}

func promptly(t *testing.T, what string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if took := time.Since(start); took > time.Second {
		t.Errorf("%s took %s", what, took)
	}
}

func TestAReceiverThatDoesNotReadHoldsUpNoCallAndLosesNothing(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	data := server.stuff()
	for _, id := range []string{"f1", "f2"} {
		promptly(t, "injecting", func() {
			w.inject(id, one, "none", aToxic("delay", "both", map[string]any{"mean_ms": 1}), aToxic("fragment", "both",
				map[string]any{"size_bytes": 1000}), aToxic("hold", "downstream", nil))
		})
	}
	promptly(t, "ending", func() { w.end("f1") })
	promptly(t, "healing", func() { w.call("POST", "/lab/heal", nil, http.StatusOK, nil) })
	client.expect(data)
	server.send([]byte("more"))
	client.expect([]byte("more"))
}

func TestAStockToxicIsAddedPromptlyThoughTheReceiverDoesNotRead(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	data := server.stuff()
	promptly(t, "adding a toxic", func() {
		w.call("POST", "/proxies/a/toxics", map[string]any{"type": "latency"}, http.StatusOK, nil)
	})
	client.expect(data)
}

func TestALinkStuckOnAStockToxicIsNamedAndFreedAndOthersAreSpared(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.call("POST", "/proxies/a/toxics", map[string]any{"type": "latency", "attributes": map[string]any{"latency": 1}}, http.StatusOK, nil)
	_, server := w.connect("a")
	other, otherServer := w.connect("b")
	server.stuff()
	var answer problem
	w.call("POST", "/lab/faults", faultRequest{
		ID: "f", Links: []string{"a", "b"}, Toxics: []toxicJSON{aToxic("hold", "both", nil)}, LeaseMs: 60_000,
	}, http.StatusServiceUnavailable, &answer)
	if !strings.Contains(answer.Links["a"], "stuck") || len(answer.Links) != 1 {
		t.Errorf("answered %+v", answer)
	}
	other.send([]byte("spared"))
	otherServer.expect([]byte("spared"))
	promptly(t, "the next fault", func() { w.inject("g", []string{"a", "b"}, "none", aToxic("hold", "both", nil)) })
	w.end("g")
	w.connect("a")
}

func TestADeadAcceptLoopIsRevivedAndLiveConnectionsStay(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	listener := listenerOf(w.lab.registry.get("a").proxy).(*net.TCPListener)
	// Any error ends Toxiproxy's accept loop, a deadline like a want of descriptors.
	w.must(listener.SetDeadline(time.Now()))
	time.Sleep(20 * time.Millisecond)
	w.dial("a")
	w.until("the queue shows it", func() bool { return w.link("a").Waiting == 1 })
	w.until("the link accepts again", func() bool {
		c, err := net.Dial("tcp", w.address("a"))
		if err != nil {
			return false
		}
		defer c.Close()
		select {
		case s := <-w.arrive:
			s.Close()
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	client.send([]byte("live"))
	server.expect([]byte("live"))
}

// asBefore waits until nothing more is left than there was.
func asBefore(w *world, goroutines, descriptors int) {
	w.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		http.DefaultClient.CloseIdleConnections()
		g, d := resources(w)
		if g <= goroutines && d <= descriptors {
			return
		}
		if time.Now().After(deadline) {
			var left strings.Builder
			w.must(pprof.Lookup("goroutine").WriteTo(&left, 1))
			w.Fatalf("%d goroutines and %d descriptors became %d and %d:\n%s", goroutines, descriptors, g, d, &left)
		}
	}
}

// resources counts what must not leak.
func resources(w *world) (goroutines, descriptors int) {
	theAlarm() // It is made once, when it is first needed.
	entries, err := os.ReadDir("/proc/self/fd")
	w.must(err)
	return runtime.NumGoroutine(), len(entries)
}

func TestBusyConnectionsThatAreCutOrResetLeaveNothingBehind(t *testing.T) {
	w := newWorld(t, "a")
	http.DefaultClient.CloseIdleConnections()
	goroutines, descriptors := resources(w)
	for i := range 40 {
		client, server := w.connect("a")
		for _, e := range []*end{client, server} {
			go func() {
				for {
					if _, err := e.Write(pattern(10_000)); err != nil {
						return
					}
				}
			}()
		}
		client.take(10_000)
		w.inject("f", one, []string{"reset", "cut", "refuse", "none"}[i%4], aToxic("delay", "both", map[string]any{"mean_ms": 5}),
			aToxic("corrupt", "downstream", map[string]any{"rate_per_byte": 1e-3}))
		w.end("f")
		client.Close()
		server.Close()
	}
	asBefore(w, goroutines, descriptors)
	w.until("no connection is known any more", func() bool { return len(w.lab.registry.get("a").known()) == 0 })
}

func TestManyCyclesLeakNothing(t *testing.T) {
	const cycles = 2_000
	links := many(4)
	w := newWorld(t, links...)
	var ends []*end
	for _, name := range append(links, links...) {
		client, server := w.connect(name)
		ends = append(ends, client, server)
	}
	ping := func() {
		for pair := range slices.Chunk(ends, 2) {
			pair[0].send([]byte("ping"))
			pair[1].expect([]byte("ping"))
		}
	}
	ping()
	goroutines, descriptors := resources(w)
	for i := range cycles {
		w.inject("f", links, "none", aToxic("delay", "both", map[string]any{"mean_ms": 1}), aToxic("hold", "upstream", nil))
		if i%100 == 0 {
			ends[0].send([]byte("x"))
		}
		w.end("f")
		if i%100 == 0 {
			ends[1].expect([]byte("x"))
		}
	}
	ping()
	asBefore(w, goroutines, descriptors)
	for _, name := range links {
		if l := w.link(name); l.Connections != 2 || len(l.Toxics) > 0 {
			t.Errorf("left: %+v", l)
		}
	}
}

func TestAClientThatLeavesInTheMiddleOfAHoldIsCleanedUpWhenItEnds(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("hold", "both", nil))
	client.send([]byte("last words"))
	client.Close()
	server.silent(50 * time.Millisecond)
	w.end("f")
	if data, err := server.rest(); !bytes.Equal(data, []byte("last words")) || err != nil {
		t.Errorf("received %q, %v", data, err)
	}
	w.until("the connection is forgotten", func() bool { return len(w.lab.registry.get("a").known()) == 0 })
}

func TestAToxicCanBeAddedAfterOneWasRemovedFromAStreamThatIsEnding(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("first", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 1}))
	w.inject("second", one, "none", aToxic("hold", "upstream", nil))
	client.Close()
	server.silent(50 * time.Millisecond)
	w.end("first")
	w.inject("third", one, "none", aToxic("drop", "upstream", map[string]any{"probability": 0}))
	w.end("second")
	if _, err := server.rest(); err != nil {
		t.Error("expected FIN, got", err)
	}
	w.end("third")
}
