package toxic_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/toxic"
)

func TestFragmentsAreSmallAndSpaced(t *testing.T) {
	m, s := newState(0, 0), toxic.Fragment{7, 2}
	pieces := append(s.Decide(m, moment, labtest.Pattern(100)).Pieces, s.Decide(m, moment, labtest.Pattern(3)).Pieces...)
	if len(pieces) != 16 {
		t.Fatalf("%d pieces", len(pieces))
	}
	for i, p := range pieces {
		if len(p.Data) > 7 || i > 0 && p.Due.Sub(pieces[i-1].Due) < 2*time.Millisecond {
			t.Errorf("piece %d: %d bytes, due %s", i, len(p.Data), p.Due.Sub(moment))
		}
	}
}

func TestFragmentsArriveOneByOne(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("fragment", "upstream", map[string]any{"size_bytes": 3, "gap_ms": 20}))
	data := labtest.Pattern(10)
	start := time.Now()
	client.Send(data)
	got, sizes := []byte{}, []int{}
	for len(got) < len(data) {
		buffer := make([]byte, 100)
		h.Must(server.SetReadDeadline(time.Now().Add(labtest.Timeout)))
		n, err := server.Read(buffer)
		h.Must(err)
		got, sizes = append(got, buffer[:n]...), append(sizes, n)
	}
	if !bytes.Equal(got, data) || slices.Max(sizes) > 3 || time.Since(start) < 60*time.Millisecond {
		t.Errorf("%q came in pieces of %v in %s", got, sizes, time.Since(start))
	}
}
