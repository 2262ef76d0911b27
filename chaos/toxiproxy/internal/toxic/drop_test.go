package toxic_test

import (
	"math"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/toxic"
)

func TestDroppedAndDuplicatedChunksComeInTheAskedShare(t *testing.T) {
	const n = 100_000
	m, dropped := newState(1, 0), int64(0)
	for range n {
		dropped += toxic.Drop{0.3}.Decide(m, moment, []byte("x")).Hits
	}
	doubled := int64(0)
	for range n {
		doubled += toxic.Duplicate{0.1}.Decide(m, moment, []byte("x")).Hits
	}
	if math.Abs(float64(dropped)-0.3*n) > 0.01*n || math.Abs(float64(doubled)-0.1*n) > 0.01*n {
		t.Errorf("dropped %d, duplicated %d of %d", dropped, doubled, n)
	}
}

func TestDroppedChunksAreMissingAndDuplicatedOnesComeTwice(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("drop", "upstream", map[string]any{"probability": 1}),
		labtest.Toxic("duplicate", "downstream", map[string]any{"probability": 1}))
	client.Send([]byte("lost"))
	h.Until("the chunk is dropped", func() bool { return h.Count("f", "dropped_chunks") == 1 })
	server.Send([]byte("echo"))
	client.Expect([]byte("echoecho"))
	h.End("f")
	client.Send([]byte("kept"))
	server.Expect([]byte("kept"))
}
