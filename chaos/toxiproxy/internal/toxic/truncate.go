package toxic

import (
	"encoding/binary"
	"fmt"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Truncate ends a connection after some bytes, or inside a WebSocket frame.
type Truncate struct {
	Mode       string `json:"mode"`
	AfterBytes int64  `json:"after_bytes"`
}

func (t Truncate) Checked() (Truncate, error) {
	if t.Mode == "" {
		t.Mode = "bytes"
	}
	switch {
	case t.Mode != "bytes" && t.Mode != "mid_frame":
		return t, fmt.Errorf("mode must be bytes or mid_frame, not %q", t.Mode)
	case t.AfterBytes < 0:
		return t, fmt.Errorf("after_bytes must be at least 0, not %d", t.AfterBytes)
	case t.Mode == "mid_frame" && t.AfterBytes != 0:
		return t, fmt.Errorf("after_bytes belongs to mode bytes, not to mid_frame")
	}
	return t, nil
}

func (t Truncate) Counter() string { return "truncated_connections" }

func (t Truncate) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	cut := max(t.AfterBytes-m.Seen, 0)
	ends := cut <= int64(len(data))
	if t.Mode == "mid_frame" {
		cut, ends = middleOfFrame(data, m.Upstream)
	}
	m.Seen += int64(len(data))
	if !ends {
		return stage.Decision{Pieces: stage.Pass(data, at)}
	}
	return stage.Decision{Pieces: stage.Pass(data[:cut], at), Hits: 1, Close: stage.FINAfter}
}

// middleOfFrame returns a position inside the first WebSocket data frame of a chunk. It takes the chunk's first byte for the
// beginning of a frame, which is right when the sender writes whole frames and they are not larger than a chunk (32 KiB);
// bytes that cannot begin a frame (an HTTP head, the rest of a large frame) are skipped.
func middleOfFrame(data []byte, masked bool) (int64, bool) {
	start := int64(0)
	for int64(len(data))-start >= 2 {
		header, payload, opcode, ok := frameHead(data[start:], masked)
		if !ok {
			return 0, false
		}
		if opcode < 8 && payload > 0 {
			return start + min(header+payload/2, int64(len(data))-start), true
		}
		start += header + payload
	}
	return 0, false
}

// frameHead reads a frame's head (RFC 6455, section 5.2); ok is false when this cannot be one.
func frameHead(data []byte, masked bool) (header, payload int64, opcode byte, ok bool) {
	opcode, payload, header = data[0]&0x0f, int64(data[1]&0x7f), 2
	control := opcode >= 8
	final := data[0]&0x80 != 0
	plausible := data[0]&0x30 == 0 && (data[1]&0x80 != 0) == masked && (opcode <= 2 || opcode >= 8 && opcode <= 10) &&
		!(control && (!final || payload > 125))
	switch {
	case !plausible:
		return 0, 0, 0, false
	case payload == 126 && len(data) >= 4:
		payload, header = int64(binary.BigEndian.Uint16(data[2:])), 4
		ok = payload > 125
	case payload == 127 && len(data) >= 10:
		payload, header = int64(binary.BigEndian.Uint64(data[2:])), 10
		ok = payload > 0xffff
	default:
		ok = payload < 126
	}
	if masked {
		header += 4
	}
	return header, payload, opcode, ok
}
