package stage_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
)

func TestToxicsComposeAndEndOneByOne(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("late", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 30}))
	h.Inject("twice", labtest.A, "none", labtest.Toxic("duplicate", "upstream", map[string]any{"probability": 1}))
	h.Inject("small", labtest.A, "none", labtest.Toxic("fragment", "upstream", map[string]any{"size_bytes": 1}))
	start := time.Now()
	client.Send([]byte("ab"))
	server.Expect([]byte("abab"))
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("the delayed chunk took %s", took)
	}
	h.End("twice")
	client.Send([]byte("cd"))
	server.Expect([]byte("cd"))
	h.End("late")
	h.End("small")
	client.Send([]byte("ef"))
	server.Expect([]byte("ef"))
	if names := h.Link("a").Toxics; len(names) > 0 {
		t.Errorf("left on the link: %v", names)
	}
}

func TestAToxicBehindOneThatPassesNothingMeetsNoChunk(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("ends", labtest.A, "none", labtest.Toxic("truncate", "upstream", map[string]any{"after_bytes": 0}))
	h.Inject("twice", labtest.A, "none", labtest.Toxic("duplicate", "upstream", map[string]any{"probability": 1}))
	client.Send([]byte("ab"))
	if data, err := server.Rest(); err != nil || len(data) > 0 {
		t.Errorf("received %q, then %v", data, err)
	}
	if n := h.Count("twice", "duplicated_chunks"); n != 0 {
		t.Errorf("%d chunks were duplicated", n)
	}
}

func TestAHoldBehindAnotherToxicDeliversWhenItEndsFirst(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("late", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 1}))
	h.Inject("silent", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	client.Send([]byte("held"))
	h.Until("the bytes are held", func() bool { return h.Count("silent", "held_bytes") == 4 })
	h.End("silent")
	server.Expect([]byte("held"))
	h.End("late")
}

func TestNothingIsLostWhileToxicsComeAndGo(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	data := labtest.Pattern(64 << 20)
	go client.Send(data)
	received := make(chan []byte)
	go func() {
		buffer := make([]byte, len(data))
		n, _ := io.ReadFull(server, buffer)
		received <- buffer[:n]
	}()
	var got []byte
	cycles := 0
	for deadline := time.Now().Add(2 * labtest.Timeout); got == nil; cycles++ {
		if time.Now().After(deadline) {
			t.Fatalf("the stream stands still after %d cycles: %+v", cycles, h.Link("a"))
		}
		h.Inject("f", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 3, "jitter_ms": 2}),
			labtest.Toxic("fragment", "upstream", map[string]any{"size_bytes": 1000}), labtest.Toxic("hold", "upstream", nil))
		h.End("f")
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
