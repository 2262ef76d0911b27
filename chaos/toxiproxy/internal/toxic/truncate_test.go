package toxic_test

import (
	"bytes"
	"errors"
	"slices"
	"syscall"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/stage"
	"stormlab/toxiproxy/internal/toxic"
)

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
	return append(head, labtest.Pattern(payload)...)
}

func TestTheMiddleOfAFrameIsInsideItsPayload(t *testing.T) {
	for _, masked := range []bool{true, false} {
		ping := frame(9, masked, 4)
		for _, payload := range []int{1, 2, 125, 126, 1000, 70_000} {
			data := append(bytes.Clone(ping), frame(2, masked, payload)...)
			data = data[:min(len(data), 32<<10)]
			head := len(frame(2, masked, payload)) - payload
			at, ok := toxic.MiddleOfFrame(data, masked)
			if start := int64(len(ping) + head); !ok || at < start || at >= start+int64(payload) {
				t.Errorf("masked %v, payload %d: cut at %d, %v", masked, payload, at, ok)
			}
		}
	}
}

func TestControlFramesOfEveryKindAreSkipped(t *testing.T) {
	for _, opcode := range []byte{8, 9, 10} {
		control := slices.Concat(frame(9, false, 3), frame(opcode, false, 4), frame(opcode, false, 125))
		data := slices.Concat(control, frame(2, false, 100))
		at, ok := toxic.MiddleOfFrame(data, false)
		if start := int64(len(control) + 2); !ok || at < start || at >= start+100 {
			t.Errorf("opcode %d: cut at %d, %v", opcode, at, ok)
		}
	}
}

func TestAControlFrameIsNeitherLongNorFragmented(t *testing.T) {
	fragment := frame(9, false, 4)
	fragment[0] &^= 0x80
	for name, control := range map[string][]byte{"fragment": fragment, "long": frame(9, false, 200)} {
		if at, ok := toxic.MiddleOfFrame(slices.Concat(control, frame(2, false, 100)), false); ok {
			t.Errorf("%s: cut at %d behind what is no control frame", name, at)
		}
	}
}

func TestTruncationCountsAcrossChunks(t *testing.T) {
	for _, size := range []int{1, 7, 50, 100, 1000} {
		s, m, passed, ended := toxic.Truncate{"bytes", 100}, newState(0, 0), 0, false
		for chunk := range slices.Chunk(labtest.Pattern(1000), size) {
			v := s.Decide(m, moment, chunk)
			passed += len(v.Pieces[0].Data)
			if ended = v.Close == stage.FINAfter; ended {
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
			if at, ok := toxic.MiddleOfFrame([]byte(data), masked); ok {
				t.Errorf("%q was cut at %d", data, at)
			}
		}
	}
	if _, ok := toxic.MiddleOfFrame(frame(1, false, 100), true); ok {
		t.Error("an unmasked frame was taken for a client's")
	}
	if _, ok := toxic.MiddleOfFrame(frame(9, true, 5), true); ok {
		t.Error("a ping was taken for a data frame")
	}
}

func TestATruncatedStreamEndsAfterExactlySoManyBytes(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	client.Send(labtest.Pattern(500))
	server.Expect(labtest.Pattern(500))
	h.Inject("f", labtest.A, "none", labtest.Toxic("truncate", "upstream", map[string]any{"after_bytes": 1234}))
	go client.Write(labtest.Pattern(100_000))
	data, err := server.Rest()
	if !bytes.Equal(data, labtest.Pattern(100_000)[:1234]) || err != nil {
		t.Errorf("received %d bytes, then %v", len(data), err)
	}
	if _, err := client.Rest(); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error("the client's connection did not end:", err)
	}
	if n := h.Count("f", "truncated_connections"); n != 1 {
		t.Errorf("%d truncated connections counted", n)
	}
}

func TestATruncationInMidFrameEndsTheConnectionInsideAFrame(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	first, second := frame(2, false, 300), frame(1, false, 1000)
	server.Send(first)
	client.Expect(first)
	h.Inject("f", labtest.A, "none", labtest.Toxic("truncate", "downstream", map[string]any{"mode": "mid_frame"}))
	server.Send(second)
	data, err := client.Rest()
	if head := 4; err != nil || len(data) <= head || len(data) >= len(second) || !bytes.Equal(data, second[:len(data)]) {
		t.Errorf("received %d bytes of a frame of %d, then %v", len(data), len(second), err)
	}
}
