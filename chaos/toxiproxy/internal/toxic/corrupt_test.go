package toxic_test

import (
	"bytes"
	"math"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/toxic"
)

func differences(a, b []byte) (n int64) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func TestCorruptionDamagesTheAskedShareOfBytesAndCountsThem(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		bytes int
	}{{1e-6, 1 << 28}, {1e-4, 1 << 27}, {1e-2, 1 << 22}, {1, 1 << 16}} {
		chunk, total, damaged := make([]byte, 32<<10), 0, int64(0)
		m, s := newState(5, 0), toxic.Corrupt{c.rate, "byte"}
		differ := int64(0)
		for ; total < c.bytes; total += len(chunk) {
			clear(chunk)
			damaged += s.Decide(m, moment, chunk).Hits
			differ += int64(len(chunk) - bytes.Count(chunk, []byte{0}))
		}
		expected := c.rate * float64(total)
		// Five standard deviations, but never more than the promised tenth where the sample allows it.
		tolerance := 5 * math.Sqrt(expected*(1-c.rate))
		if math.Abs(float64(damaged)-expected) > tolerance || damaged != differ {
			t.Errorf("rate %g: expected %.0f ± %.0f of %d bytes damaged, counted %d, differing %d",
				c.rate, expected, tolerance, total, damaged, differ)
		}
	}
}

func TestCorruptionIsSpreadEvenly(t *testing.T) {
	const parts, size = 64, 1 << 16
	m, s := newState(11, 0), toxic.Corrupt{1e-2, "bit"}
	square := 0.0
	for range parts {
		hits := s.Decide(m, moment, make([]byte, size)).Hits
		expected := 1e-2 * size
		square += (float64(hits) - expected) * (float64(hits) - expected) / expected
	}
	// Chi square with 64 degrees of freedom: 112 is exceeded once in 5,000 tries, 26 undershot as seldom.
	if square < 26 || square > 112 {
		t.Errorf("chi square of %d equal stretches is %.1f", parts, square)
	}
}

func TestCorruptionRepeatsExactlyHoweverTheStreamIsChunked(t *testing.T) {
	data := labtest.Pattern(1 << 20)
	for _, flip := range []string{"bit", "byte", "zero"} {
		s := toxic.Corrupt{1e-3, flip}
		whole, hits := through(s, newState(42, 3), data, len(data))
		if n := differences(whole, data); n != hits || n == 0 {
			t.Errorf("%s: %d bytes differ, %d counted", flip, n, hits)
		}
		for _, size := range []int{1, 7, 1000, 32 << 10} {
			if again, _ := through(s, newState(42, 3), data, size); !bytes.Equal(again, whole) {
				t.Errorf("%s: chunks of %d give other damage", flip, size)
			}
		}
		if other, _ := through(s, newState(43, 3), data, len(data)); bytes.Equal(other, whole) {
			t.Errorf("%s: another seed gives the same damage", flip)
		}
		if other, _ := through(s, newState(42, 4), data, len(data)); bytes.Equal(other, whole) {
			t.Errorf("%s: another connection gets the same damage", flip)
		}
	}
}

func TestFlippingABitFlipsExactlyOne(t *testing.T) {
	data := make([]byte, 4096)
	out, _ := through(toxic.Corrupt{1, "bit"}, newState(1, 0), data, 100)
	for i, b := range out {
		if b == 0 || b&(b-1) != 0 {
			t.Fatalf("byte %d became %08b", i, b)
		}
	}
}

func TestCorruptionOnALinkDiffersInExactlyTheCountedBytes(t *testing.T) {
	h := labtest.New(t, "a")
	data := labtest.Pattern(4 << 20)
	damage := func(id string) []byte {
		h.Inject(id, labtest.A, "none", labtest.Toxic("corrupt", "upstream", map[string]any{"rate_per_byte": 1e-3, "seed": 8}))
		client, server := h.Connect("a")
		go client.Send(data)
		got := server.Take(len(data))
		if n := differences(got, data); n != h.Count(id, "damaged_bytes") || math.Abs(float64(n)-4194) > 5*65 {
			t.Errorf("%d bytes differ, %d counted, 4194 expected", n, h.Count(id, "damaged_bytes"))
		}
		server.Send(data[:1<<16])
		client.Expect(data[:1<<16])
		client.Close()
		h.Until("the connection is gone", func() bool { return h.Link("a").Connections == 0 })
		h.End(id)
		return got
	}
	if !bytes.Equal(damage("f1"), damage("f2")) {
		t.Error("the same seed gave other damage")
	}
}
