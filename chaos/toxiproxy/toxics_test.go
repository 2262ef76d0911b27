package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var one = []string{"a"}

func TestCorruptionOnALinkDiffersInExactlyTheCountedBytes(t *testing.T) {
	w := newWorld(t, "a")
	data := pattern(4 << 20)
	damage := func(id string) []byte {
		w.inject(id, one, "none", aToxic("corrupt", "upstream", map[string]any{"rate_per_byte": 1e-3, "seed": 8}))
		client, server := w.connect("a")
		go client.send(data)
		got := server.take(len(data))
		if n := differences(got, data); n != w.count(id, "damaged_bytes") || math.Abs(float64(n)-4194) > 5*65 {
			t.Errorf("%d bytes differ, %d counted, 4194 expected", n, w.count(id, "damaged_bytes"))
		}
		server.send(data[:1<<16])
		client.expect(data[:1<<16])
		client.Close()
		w.until("the connection is gone", func() bool { return w.link("a").Connections == 0 })
		w.end(id)
		return got
	}
	if !bytes.Equal(damage("f1"), damage("f2")) {
		t.Error("the same seed gave other damage")
	}
}

func TestAHeldStreamIsSilentAndArrivesInOrderOnTheSameConnection(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	client.send([]byte("before"))
	server.expect([]byte("before"))
	w.inject("f", one, "none", aToxic("hold", "both", nil))
	data := pattern(3 << 20)
	sent := make(chan struct{})
	go func() { client.send(data); close(sent) }()
	server.send([]byte("answer"))
	server.silent(100 * time.Millisecond)
	client.silent(100 * time.Millisecond)
	second := w.dial("a")
	secondServer := w.arrival()
	second.send([]byte("new"))
	secondServer.silent(50 * time.Millisecond)
	w.end("f")
	server.expect(data)
	<-sent
	client.expect([]byte("answer"))
	secondServer.expect([]byte("new"))
	client.send([]byte("after"))
	server.expect([]byte("after"))
}

func TestAHeldStreamHoldsTheSenderBackInsteadOfFillingMemory(t *testing.T) {
	w := newWorld(t, "a")
	client, _ := w.connect("a")
	w.inject("f", one, "none", aToxic("hold", "upstream", nil))
	w.must(client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)))
	sent := 0
	for {
		n, err := client.Write(make([]byte, 1<<20))
		sent += n
		if err != nil {
			break
		}
		if sent > 64<<20 {
			t.Fatal("64 MiB went into a held link")
		}
	}
	if held := w.count("f", "held_bytes"); held > 2*bufferBytes {
		t.Errorf("%d bytes are held in memory", held)
	}
}

func TestAFinIsHeldToo(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("hold", "upstream", nil))
	client.Close()
	server.silent(100 * time.Millisecond)
	w.end("f")
	if _, err := server.rest(); err != nil {
		t.Error("expected FIN after healing, got", err)
	}
}

func TestABlackholeSwallowsAndClosesWhatLostBytesWhenItEnds(t *testing.T) {
	w := newWorld(t, "a")
	loser, loserServer := w.connect("a")
	idle, idleServer := w.connect("a")
	w.inject("f", one, "none", aToxic("blackhole", "upstream", nil))
	loser.send([]byte("gone"))
	fresh := w.dial("a")
	freshServer := w.arrival()
	fresh.send([]byte("gone too"))
	loserServer.silent(100 * time.Millisecond)
	freshServer.silent(50 * time.Millisecond)
	w.until("both losses are counted", func() bool { return w.count("f", "lost_bytes") == 12 })
	w.end("f")
	for _, e := range []*end{loser, loserServer, fresh, freshServer} {
		if data, err := e.rest(); err != nil || len(data) > 0 {
			t.Errorf("expected FIN, got %q and %v", data, err)
		}
	}
	idle.send([]byte("still here"))
	idleServer.expect([]byte("still here"))
}

func TestADelayedStreamKeepsItsOrderAndItsPace(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 50, "jitter_ms": 40, "distribution": "normal"}))
	data := pattern(4 << 20)
	start := time.Now()
	go client.send(data)
	server.expect(data)
	// Were each chunk's delay to wait for the one before, 128 chunks would take 6 s.
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("4 MiB through 50 ms took %s", took)
	}
}

func TestEndingADelayDeliversWhatIsUnderWayAtOnce(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("delay", "both", map[string]any{"mean_ms": 60_000}))
	client.send([]byte("late"))
	client.TCPConn.CloseWrite()
	w.until("the chunk is delayed", func() bool { return w.count("f", "delayed_chunks") == 1 })
	w.end("f")
	data, err := server.rest()
	if string(data) != "late" || err != nil {
		t.Errorf("received %q, %v", data, err)
	}
}

func TestFragmentsArriveOneByOne(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("fragment", "upstream", map[string]any{"size_bytes": 3, "gap_ms": 20}))
	data := pattern(10)
	start := time.Now()
	client.send(data)
	got, sizes := []byte{}, []int{}
	for len(got) < len(data) {
		buffer := make([]byte, 100)
		w.must(server.SetReadDeadline(time.Now().Add(patience)))
		n, err := server.Read(buffer)
		w.must(err)
		got, sizes = append(got, buffer[:n]...), append(sizes, n)
	}
	if !bytes.Equal(got, data) || slices.Max(sizes) > 3 || time.Since(start) < 60*time.Millisecond {
		t.Errorf("%q came in pieces of %v in %s", got, sizes, time.Since(start))
	}
}

func TestDroppedChunksAreMissingAndDuplicatedOnesComeTwice(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("drop", "upstream", map[string]any{"probability": 1}),
		aToxic("duplicate", "downstream", map[string]any{"probability": 1}))
	client.send([]byte("lost"))
	w.until("the chunk is dropped", func() bool { return w.count("f", "dropped_chunks") == 1 })
	server.send([]byte("echo"))
	client.expect([]byte("echoecho"))
	w.end("f")
	client.send([]byte("kept"))
	server.expect([]byte("kept"))
}

func TestATruncatedStreamEndsAfterExactlySoManyBytes(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	client.send(pattern(500))
	server.expect(pattern(500))
	w.inject("f", one, "none", aToxic("truncate", "upstream", map[string]any{"after_bytes": 1234}))
	go client.Write(pattern(100_000))
	data, err := server.rest()
	if !bytes.Equal(data, pattern(100_000)[:1234]) || err != nil {
		t.Errorf("received %d bytes, then %v", len(data), err)
	}
	if _, err := client.rest(); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error("the client's connection did not end:", err)
	}
	if n := w.count("f", "truncated_connections"); n != 1 {
		t.Errorf("%d truncated connections counted", n)
	}
}

func TestATruncationInMidFrameEndsTheConnectionInsideAFrame(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	first, second := frame(2, false, 300), frame(1, false, 1000)
	server.send(first)
	client.expect(first)
	w.inject("f", one, "none", aToxic("truncate", "downstream", map[string]any{"mode": "mid_frame"}))
	server.send(second)
	data, err := client.rest()
	if head := 4; err != nil || len(data) <= head || len(data) >= len(second) || !bytes.Equal(data, second[:len(data)]) {
		t.Errorf("received %d bytes of a frame of %d, then %v", len(data), len(second), err)
	}
}

func TestTheFirstConnectionsFailAndTheRestDoNot(t *testing.T) {
	w := newWorld(t, "a")
	live, liveServer := w.connect("a")
	for _, how := range []string{"fin", "rst"} {
		w.inject(how, one, "none", aToxic("fail_first", "upstream", map[string]any{"connections": 3, "how": how}))
		for range 3 {
			c, err := net.Dial("tcp", w.address("a"))
			if err == nil {
				_, err = (&end{w, c.(*net.TCPConn)}).rest()
				c.Close()
			}
			w.arrival()
			if reset := errors.Is(err, syscall.ECONNRESET); reset != (how == "rst") {
				t.Errorf("%s: the connection ended with %v", how, err)
			}
		}
		client, server := w.connect("a")
		client.send([]byte("fine"))
		server.expect([]byte("fine"))
		if n := w.count(how, "failed_connections"); n != 3 {
			t.Errorf("%d failed connections counted", n)
		}
		w.end(how)
	}
	live.send([]byte("never noticed"))
	liveServer.expect([]byte("never noticed"))
}

func TestARejectedHandshakeGetsItsAnswerAndNeverReachesTheServer(t *testing.T) {
	w := newWorld(t, "a")
	live, liveServer := w.connect("a")
	for _, attributes := range []map[string]any{{}, {"status": 429, "retry_after_s": 7}} {
		w.inject("f", one, "none", aToxic("reject", "upstream", attributes))
		client := w.dial("a")
		server := w.arrival()
		client.send([]byte("GET / HTTP/1.1\r\nHost: x\r\n"))
		client.send([]byte("Upgrade: websocket\r\n\r\n"))
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		w.must(err)
		status, after := 503, ""
		if attributes["status"] != nil {
			status, after = 429, "7"
		}
		if answer.StatusCode != status || answer.Header.Get("Retry-After") != after {
			t.Errorf("answered %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
		}
		if _, err := client.rest(); err != nil {
			t.Error("the client's connection ended with", err)
		}
		if data, _ := server.rest(); len(data) > 0 {
			t.Errorf("the server received %q", data)
		}
		w.end("f")
	}
	live.send([]byte("never noticed"))
	liveServer.expect([]byte("never noticed"))
}

func TestAHungConnectionIsAcceptedAndNeverAnswered(t *testing.T) {
	w := newWorld(t, "a")
	live, liveServer := w.connect("a")
	w.inject("f", one, "none", aToxic("hang", "upstream", nil))
	client := w.dial("a")
	server := w.arrival()
	client.send([]byte("GET / HTTP/1.1\r\n\r\n"))
	client.silent(100 * time.Millisecond)
	server.silent(50 * time.Millisecond)
	live.send([]byte("never noticed"))
	liveServer.expect([]byte("never noticed"))
	w.end("f")
	if _, err := client.rest(); err != nil {
		t.Error("expected FIN at the end, got", err)
	}
}

func TestToxicsComposeAndEndOneByOne(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("late", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 30}))
	w.inject("twice", one, "none", aToxic("duplicate", "upstream", map[string]any{"probability": 1}))
	w.inject("small", one, "none", aToxic("fragment", "upstream", map[string]any{"size_bytes": 1}))
	start := time.Now()
	client.send([]byte("ab"))
	server.expect([]byte("abab"))
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("the delayed chunk took %s", took)
	}
	w.end("twice")
	client.send([]byte("cd"))
	server.expect([]byte("cd"))
	w.end("late")
	w.end("small")
	client.send([]byte("ef"))
	server.expect([]byte("ef"))
	if names := w.link("a").Toxics; len(names) > 0 {
		t.Errorf("left on the link: %v", names)
	}
}

func TestAHoldBehindAnotherToxicDeliversWhenItEndsFirst(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("late", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 1}))
	w.inject("silent", one, "none", aToxic("hold", "upstream", nil))
	client.send([]byte("held"))
	w.until("the bytes are held", func() bool { return w.count("silent", "held_bytes") == 4 })
	w.end("silent")
	server.expect([]byte("held"))
	w.end("late")
}

func TestNothingIsLostWhileToxicsComeAndGo(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	data := pattern(64 << 20)
	go client.send(data)
	received := make(chan []byte)
	go func() {
		buffer := make([]byte, len(data))
		n, _ := io.ReadFull(server, buffer)
		received <- buffer[:n]
	}()
	var got []byte
	cycles := 0
	for deadline := time.Now().Add(2 * patience); got == nil; cycles++ {
		if time.Now().After(deadline) {
			t.Fatalf("the stream stands still after %d cycles: %+v", cycles, w.link("a"))
		}
		w.inject("f", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 3, "jitter_ms": 2}),
			aToxic("fragment", "upstream", map[string]any{"size_bytes": 1000}), aToxic("hold", "upstream", nil))
		w.end("f")
		select {
		case got = <-received:
		default:
		}
	}
	if !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes arrived, or others", len(got), len(data))
	}
	t.Logf("%d cycles of three toxics while 64 MiB passed", cycles)
}

func TestToxicityIsDrawnOnceAConnectionAndRepeats(t *testing.T) {
	w := newWorld(t, "a")
	hit := func(id string) (pattern string) {
		half := 0.5
		toxic := aToxic("duplicate", "upstream", map[string]any{"probability": 1})
		toxic.Toxicity = &half
		w.inject(id, one, "none", toxic)
		for range 32 {
			client, server := w.connect("a")
			client.send([]byte("x"))
			client.TCPConn.CloseWrite()
			data, _ := server.rest()
			pattern += strings.Repeat("x", len(data)) + " "
		}
		w.end(id)
		return pattern
	}
	first := hit("f1")
	if doubled := strings.Count(first, "xx"); doubled < 6 || doubled > 26 {
		t.Errorf("half of the connections were to be hit: %s", first)
	}
	if second := hit("f2"); second != first {
		t.Errorf("the same seed hit others: %s and %s", first, second)
	}
}

func TestToxicityOfTheStockAPIIsDrawnOnceAConnectionToo(t *testing.T) {
	w := newWorld(t, "a")
	hit := func() (pattern string) {
		w.call("POST", "/proxies/a/toxics", map[string]any{
			"name": "half", "type": "duplicate", "stream": "upstream", "toxicity": 0.5, "attributes": map[string]any{"probability": 1},
		}, http.StatusOK, nil)
		for range 32 {
			client, server := w.connect("a")
			client.send([]byte("x"))
			client.TCPConn.CloseWrite()
			data, _ := server.rest()
			pattern += strings.Repeat("x", len(data)) + " "
		}
		w.call("DELETE", "/proxies/a/toxics/half", nil, http.StatusNoContent, nil)
		return pattern
	}
	if first, second := hit(), hit(); first != second || strings.Count(first, "xx") < 6 {
		t.Errorf("the same seed hit %s and %s", first, second)
	}
}

func TestWrongAttributesAreRefusedWithTheirName(t *testing.T) {
	w := newWorld(t, "a")
	for _, c := range []struct {
		toxic toxicJSON
		says  string
	}{
		{aToxic("corrupt", "upstream", map[string]any{"rate_per_byte": 2}), "rate_per_byte must be between 0 and 1, not 2"},
		{aToxic("corrupt", "upstream", map[string]any{"rate": 0.1}), `unknown field \"rate\"`},
		{aToxic("corrupt", "upstream", map[string]any{"rate_per_byte": "x"}), "rate_per_byte must be of type float64, not string"},
		{aToxic("corrupt", "upstream", map[string]any{"seed": 1.5}), "seed must be a whole number, not 1.5"},
		{aToxic("delay", "upstream", map[string]any{"mean_ms": -1}), "mean_ms must be between"},
		{aToxic("throttle", "upstream", nil), "rate_bytes_per_s must be between"},
		{aToxic("fragment", "upstream", nil), "size_bytes must be at least 1"},
		{aToxic("drop", "upstream", map[string]any{"probability": 1.1}), "probability must be between"},
		{aToxic("truncate", "upstream", map[string]any{"mode": "half"}), "mode must be bytes or mid_frame"},
		{aToxic("fail_first", "upstream", nil), "connections must be at least 1"},
		{aToxic("reject", "upstream", map[string]any{"status": 200}), "status must be between 400 and 599"},
		{aToxic("reject", "downstream", nil), "stream must be upstream"},
		{aToxic("packet_loss", "upstream", nil), "there is no toxic"},
		{aToxic("hold", "sideways", nil), "stream must be upstream, downstream or both"},
	} {
		var answer problem
		w.call("POST", "/lab/faults", faultRequest{ID: "f", Links: one, Toxics: []toxicJSON{c.toxic}, LeaseMs: 1000}, 400, &answer)
		if !strings.Contains(answer.Message, strings.ReplaceAll(c.says, `\"`, `"`)) {
			t.Errorf("%s: %q does not say %q", c.toxic.Type, answer.Message, c.says)
		}
	}
	if names := w.link("a").Toxics; len(names) > 0 {
		t.Errorf("left on the link: %v", names)
	}
}

func TestADelayAddsAtLeastItsMean(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("delay", "upstream", map[string]any{"mean_ms": 40}))
	start := time.Now()
	client.send([]byte("x"))
	server.take(1)
	if took := time.Since(start); took < 40*time.Millisecond {
		t.Errorf("a byte came after %s", took)
	}
}

func TestAThrottledStreamIsNoFasterThanItsRate(t *testing.T) {
	const rate = 64_000
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "none", aToxic("throttle", "upstream", map[string]any{"rate_bytes_per_s": rate}))
	start := time.Now()
	go client.send(make([]byte, rate/2))
	server.take(rate / 2)
	if took := time.Since(start); took < 450*time.Millisecond {
		t.Errorf("half a second's bytes came after %s", took)
	}
}
