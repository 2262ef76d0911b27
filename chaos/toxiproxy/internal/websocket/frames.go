// Package websocket reads the beginning of an HTTP connection, and the frames of a WebSocket, in whatever pieces they come.
//
// It imports nothing of this program. Begin with Handshake, then Frames.
package websocket

import "encoding/binary"

// The operations of a WebSocket's control frames (RFC 6455, 5.5).
const (
	OpClose = 8
	OpPing  = 9
	OpPong  = 10
)

// maxControl is the longest payload of a control frame (RFC 6455, 5.5).
const maxControl = 125

// A Frames reads the frames of one side of a WebSocket, in whatever pieces they come, and keeps the payload of a control frame alone.
// What no frame can be breaks it for good: where the next one would begin is then unknown.
type Frames struct {
	Broken  bool
	header  [14]byte
	have    int // Bytes of the header.
	inside  bool
	size    uint64 // Of the payload.
	left    uint64 // Bytes of the payload that are still to come.
	key     [4]byte
	control [maxControl]byte
}

// A Part is consecutive bytes of one frame: some of its header, or some of its payload.
type Part struct {
	Size      int
	First     bool    // It begins with the frame's first byte.
	Last      bool    // It ends with the frame's last byte.
	IsPayload bool    // Its bytes are payload, and no header.
	Key       [4]byte // Of the payload; zero where it is not masked.
	At        uint64  // Of the part's first byte in the payload.
}

// Unmasked returns the payload byte of this number in the part.
func (p *Part) Unmasked(b byte, number int) byte { return b ^ p.Key[(p.At+uint64(number))%4] }

// Next returns the part with which data begins; of size 0 where nothing can be read on.
func (f *Frames) Next(data []byte) Part {
	if f.Broken || len(data) == 0 {
		return Part{}
	}
	if f.inside {
		size := min(f.left, uint64(len(data)))
		part := Part{Size: int(size), IsPayload: true, Key: f.key, At: f.size - f.left}
		f.left -= size
		part.Last = f.left == 0
		f.inside = !part.Last
		return part
	}
	part := Part{First: f.have == 0}
	for part.Size < len(data) && !part.Last {
		f.header[f.have] = data[part.Size]
		f.have++
		part.Size++
		if f.have < f.headerLength() {
			continue
		}
		f.begin()
		if f.Broken {
			return Part{}
		}
		if f.inside = f.left > 0; f.inside {
			return part
		}
		part.Last = true
	}
	return part
}

// Feed takes bytes, and calls on for each control frame that they complete. The payload is valid until on returns.
func (f *Frames) Feed(data []byte, on func(operation byte, payload []byte)) {
	for len(data) > 0 {
		part := f.Next(data)
		if part.Size == 0 {
			return
		}
		if f.isControl() {
			if part.IsPayload {
				for i, b := range data[:part.Size] {
					f.control[part.At+uint64(i)] = part.Unmasked(b, i)
				}
			}
			if part.Last {
				on(f.header[0]&0x0f, f.control[:f.size])
			}
		}
		data = data[part.Size:]
	}
}

// headerLength returns how long the header is, as far as its first bytes say.
func (f *Frames) headerLength() int {
	if f.have < 2 {
		return 2
	}
	length := 2
	switch f.header[1] & 0x7f {
	case 126:
		length += 2
	case 127:
		length += 8
	}
	if f.header[1]&0x80 != 0 {
		length += len(f.key)
	}
	return length
}

// begin handles a whole header.
func (f *Frames) begin() {
	length := uint64(f.header[1] & 0x7f)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		length = binary.BigEndian.Uint64(f.header[2:])
	}
	f.key = [4]byte{}
	if f.header[1]&0x80 != 0 {
		copy(f.key[:], f.header[f.have-len(f.key):f.have])
	}
	f.have, f.size, f.left = 0, length, length
	operation, final := f.header[0]&0x0f, f.header[0]&0x80 != 0
	switch {
	case f.isControl():
		f.Broken = operation > OpPong || !final || length > maxControl
	default:
		f.Broken = operation > 2 || length > 1<<63-1
	}
}

func (f *Frames) isControl() bool { return f.header[0]&0x08 != 0 }
