package stage_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
)

func TestAReceiverThatDoesNotReadHoldsUpNoCallAndLosesNothing(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	data := server.Stuff()
	for _, id := range []string{"f1", "f2"} {
		labtest.Promptly(t, "injecting", func() {
			h.Inject(id, labtest.A, "none", labtest.Toxic("delay", "both", map[string]any{"mean_ms": 1}), labtest.Toxic("fragment", "both",
				map[string]any{"size_bytes": 1000}), labtest.Toxic("hold", "downstream", nil))
		})
	}
	labtest.Promptly(t, "ending", func() { h.End("f1") })
	labtest.Promptly(t, "healing", func() { h.Call("POST", "/lab/heal", nil, http.StatusOK, nil) })
	client.Expect(data)
	server.Send([]byte("more"))
	client.Expect([]byte("more"))
}

func TestAStockToxicIsAddedPromptlyThoughTheReceiverDoesNotRead(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	data := server.Stuff()
	labtest.Promptly(t, "adding a toxic", func() {
		h.Call("POST", "/proxies/a/toxics", map[string]any{"type": "latency"}, http.StatusOK, nil)
	})
	client.Expect(data)
}

func TestAClientThatLeavesInTheMiddleOfAHoldIsCleanedUpWhenItEnds(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("hold", "both", nil))
	client.Send([]byte("last words"))
	client.Close()
	server.Silent(50 * time.Millisecond)
	h.End("f")
	if data, err := server.Rest(); !bytes.Equal(data, []byte("last words")) || err != nil {
		t.Errorf("received %q, %v", data, err)
	}
	h.Until("the connection is forgotten", func() bool { return len(h.Server.Links.Get("a").Connections()) == 0 })
}

func TestAToxicCanBeAddedAfterOneWasRemovedFromAStreamThatIsEnding(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("first", labtest.A, "none", labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": 1}))
	h.Inject("second", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	client.Close()
	server.Silent(50 * time.Millisecond)
	h.End("first")
	h.Inject("third", labtest.A, "none", labtest.Toxic("drop", "upstream", map[string]any{"probability": 0}))
	h.End("second")
	server.ExpectEnd(nil)
	h.End("third")
}
