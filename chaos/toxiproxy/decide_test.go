package main

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"testing"
	"time"
)

var moment = time.Unix(1_000_000, 0)

func remember(seed, number int64) *memory {
	return &memory{rng: dice(seed, "worker-1/upstream/x", number), newcomer: -1, upstream: true}
}

// through sends data through a decision in chunks of the given size and gives what comes out.
func through[S settings[S]](s S, m *memory, data []byte, size int) (out []byte, hits int64) {
	for chunk := range slices.Chunk(data, size) {
		v := s.decide(m, moment, bytes.Clone(chunk))
		hits += v.hits
		for _, p := range v.pieces {
			out = append(out, p.data...)
		}
	}
	return out, hits
}

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
		m, s := remember(5, 0), corrupt{c.rate, "byte"}
		differ := int64(0)
		for ; total < c.bytes; total += len(chunk) {
			clear(chunk)
			damaged += s.decide(m, moment, chunk).hits
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
	m, s := remember(11, 0), corrupt{1e-2, "bit"}
	square := 0.0
	for range parts {
		hits := s.decide(m, moment, make([]byte, size)).hits
		expected := 1e-2 * size
		square += (float64(hits) - expected) * (float64(hits) - expected) / expected
	}
	// Chi square with 64 degrees of freedom: 112 is exceeded once in 5,000 tries, 26 undershot as seldom.
	if square < 26 || square > 112 {
		t.Errorf("chi square of %d equal stretches is %.1f", parts, square)
	}
}

func TestCorruptionRepeatsExactlyHoweverTheStreamIsChunked(t *testing.T) {
	data := pattern(1 << 20)
	for _, flip := range []string{"bit", "byte", "zero"} {
		s := corrupt{1e-3, flip}
		whole, hits := through(s, remember(42, 3), data, len(data))
		if n := differences(whole, data); n != hits || n == 0 {
			t.Errorf("%s: %d bytes differ, %d counted", flip, n, hits)
		}
		for _, size := range []int{1, 7, 1000, 32 << 10} {
			if again, _ := through(s, remember(42, 3), data, size); !bytes.Equal(again, whole) {
				t.Errorf("%s: chunks of %d give other damage", flip, size)
			}
		}
		if other, _ := through(s, remember(43, 3), data, len(data)); bytes.Equal(other, whole) {
			t.Errorf("%s: another seed gives the same damage", flip)
		}
		if other, _ := through(s, remember(42, 4), data, len(data)); bytes.Equal(other, whole) {
			t.Errorf("%s: another connection gets the same damage", flip)
		}
	}
}

func TestFlippingABitFlipsExactlyOne(t *testing.T) {
	data := make([]byte, 4096)
	out, _ := through(corrupt{1, "bit"}, remember(1, 0), data, 100)
	for i, b := range out {
		if b == 0 || b&(b-1) != 0 {
			t.Fatalf("byte %d became %08b", i, b)
		}
	}
}

func TestDelaysHaveTheAskedMeanAndSpread(t *testing.T) {
	const n = 200_000
	for _, d := range []delay{{100, 10, "uniform"}, {100, 10, "normal"}, {100, 30, "lognormal"}, {100, 20, "pareto"}, {20, 0, "uniform"}} {
		m := remember(9, 0)
		sum, squares, low := 0.0, 0.0, math.Inf(1)
		for range n {
			ms := d.drawMs(m)
			sum, squares, low = sum+ms, squares+ms*ms, min(low, ms)
		}
		mean := sum / n
		spread := math.Sqrt(squares/n - mean*mean)
		want := d.JitterMs
		if d.Distribution == "uniform" {
			want /= math.Sqrt(3)
		}
		if math.Abs(mean-d.MeanMs) > 0.01*d.MeanMs || math.Abs(spread-want) > 0.01*d.MeanMs || low < 0 {
			t.Errorf("%+v: mean %.2f, deviation %.2f (want %.2f), lowest %.2f", d, mean, spread, want, low)
		}
	}
}

func TestDelaysOfChunksInFlightDoNotAddUp(t *testing.T) {
	d, m := delay{100, 100, "uniform"}, remember(3, 0)
	var last time.Time
	waits := []time.Duration{}
	for i := range 2000 {
		at := moment.Add(time.Duration(i) * 5 * time.Millisecond)
		due := d.decide(m, at, []byte("x")).pieces[0].due
		if due.Before(last) || due.Sub(at) > 200*time.Millisecond {
			t.Fatalf("chunk %d is due %s after it came, %s after its predecessor", i, due.Sub(at), due.Sub(last))
		}
		last = due
		waits = append(waits, due.Sub(at))
	}
	slices.SortFunc(waits, cmp.Compare[time.Duration])
	t.Logf("100 ± 100 ms at 5 ms spacing: median %s", waits[len(waits)/2])
}

func TestThrottledBytesAreDueAtTheRate(t *testing.T) {
	for _, rate := range []int64{10, 64_000, 1_000_000} {
		m, s := remember(0, 0), throttle{rate}
		total := rate * 5
		var last time.Time
		for left := total; left > 0; left -= 1000 {
			for _, p := range s.decide(m, moment, make([]byte, min(left, 1000))).pieces {
				last = p.due
			}
		}
		if took := last.Sub(moment); took < 4999*time.Millisecond || took > 5001*time.Millisecond {
			t.Errorf("%d bytes at %d a second are due after %s", total, rate, took)
		}
	}
}

func TestFragmentsAreSmallAndSpaced(t *testing.T) {
	m, s := remember(0, 0), fragment{7, 2}
	pieces := append(s.decide(m, moment, pattern(100)).pieces, s.decide(m, moment, pattern(3)).pieces...)
	if len(pieces) != 16 {
		t.Fatalf("%d pieces", len(pieces))
	}
	for i, p := range pieces {
		if len(p.data) > 7 || i > 0 && p.due.Sub(pieces[i-1].due) < 2*time.Millisecond {
			t.Errorf("piece %d: %d bytes, due %s", i, len(p.data), p.due.Sub(moment))
		}
	}
}

func TestDroppedAndDuplicatedChunksComeInTheAskedShare(t *testing.T) {
	const n = 100_000
	m, dropped := remember(1, 0), int64(0)
	for range n {
		dropped += drop{0.3}.decide(m, moment, []byte("x")).hits
	}
	doubled := int64(0)
	for range n {
		doubled += duplicate{0.1}.decide(m, moment, []byte("x")).hits
	}
	if math.Abs(float64(dropped)-0.3*n) > 0.01*n || math.Abs(float64(doubled)-0.1*n) > 0.01*n {
		t.Errorf("dropped %d, duplicated %d of %d", dropped, doubled, n)
	}
}

func TestADuplicateSharesNoBytesWithItsOriginal(t *testing.T) {
	pieces := duplicate{1}.decide(remember(0, 0), moment, []byte("ab")).pieces
	pieces[0].data[0] = 'z'
	if string(pieces[1].data) != "ab" {
		t.Error("damaging one damaged the other")
	}
}

// frame makes a WebSocket frame; its masking key is zero.
func frame(opcode byte, masked bool, payload int) []byte {
	head := []byte{0x80 | opcode}
	mask := byte(0)
	if masked {
		mask = 0x80
	}
	switch {
	case payload < 126:
		head = append(head, mask|byte(payload))
	case payload <= 0xffff:
		head = append(head, mask|126, byte(payload>>8), byte(payload))
	default:
		head = append(head, mask|127, 0, 0, 0, 0, byte(payload>>24), byte(payload>>16), byte(payload>>8), byte(payload))
	}
	if masked {
		head = append(head, 0, 0, 0, 0)
	}
	return append(head, pattern(payload)...)
}

func TestTheMiddleOfAFrameIsInsideItsPayload(t *testing.T) {
	for _, masked := range []bool{true, false} {
		ping := frame(9, masked, 4)
		for _, payload := range []int{1, 2, 125, 126, 1000, 70_000} {
			data := append(bytes.Clone(ping), frame(2, masked, payload)...)
			data = data[:min(len(data), 32<<10)]
			head := len(frame(2, masked, payload)) - payload
			at, ok := middleOfFrame(data, masked)
			if start := int64(len(ping) + head); !ok || at < start || at >= start+int64(payload) {
				t.Errorf("masked %v, payload %d: cut at %d, %v", masked, payload, at, ok)
			}
		}
	}
}

func TestTruncationCountsAcrossChunks(t *testing.T) {
	for _, size := range []int{1, 7, 50, 100, 1000} {
		s, m, passed, ended := truncate{"bytes", 100}, remember(0, 0), 0, false
		for chunk := range slices.Chunk(pattern(1000), size) {
			v := s.decide(m, moment, chunk)
			passed += len(v.pieces[0].data)
			if ended = v.ending == finsAfter; ended {
				break
			}
		}
		if !ended || passed != 100 {
			t.Errorf("chunks of %d: %d bytes passed, ended %v", size, passed, ended)
		}
	}
}

func TestWhatCannotBeginAFrameIsPassedOver(t *testing.T) {
	for _, data := range []string{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "", "\x82"} {
		for _, masked := range []bool{true, false} {
			if at, ok := middleOfFrame([]byte(data), masked); ok {
				t.Errorf("%q was cut at %d", data, at)
			}
		}
	}
	if _, ok := middleOfFrame(frame(1, false, 100), true); ok {
		t.Error("an unmasked frame was taken for a client's")
	}
	if _, ok := middleOfFrame(frame(9, true, 5), true); ok {
		t.Error("a ping was taken for a data frame")
	}
}

func TestAQueueIsStaleOnlyWhenNothingIsAcceptedForLong(t *testing.T) {
	var q queue
	looks := []struct {
		after    time.Duration
		waiting  int
		accepted int64
		stale    bool
	}{{0, 1, 5, false}, {2, 1, 5, false}, {4, 1, 6, false}, {6, 1, 6, false}, {7, 1, 6, true}, {8, 0, 6, false}, {20, 1, 6, false}}
	for _, l := range looks {
		if got := q.stale(moment.Add(l.after*time.Second), l.waiting, l.accepted); got != l.stale {
			t.Errorf("after %d s: stale is %v", l.after, got)
		}
	}
}
