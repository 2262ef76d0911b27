package journal

import "encoding/binary"

// The operations of a WebSocket's control frames (RFC 6455, 5.5).
const (
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// maxControl is the longest payload of a control frame (RFC 6455, 5.5).
const maxControl = 125

// A frames reads the frames of one side of a WebSocket, in whatever pieces they come, and keeps the payload of a control frame alone.
// What no frame can be breaks it for good: where the next one would begin is then unknown.
type frames struct {
	broken  bool
	header  [14]byte
	have    int // Bytes of the header.
	inside  bool
	left    uint64 // Bytes of the payload that are still to come.
	key     [4]byte
	control [maxControl]byte
	length  int // Of the control frame's payload, as far as it has come.
}

// feed takes bytes, and calls on for each control frame that they complete. The payload is valid until on returns.
func (f *frames) feed(data []byte, on func(operation byte, payload []byte)) {
	for !f.broken && (len(data) > 0 || f.inside && f.left == 0) {
		if !f.inside {
			f.header[f.have], data = data[0], data[1:]
			f.have++
			if f.have == f.headerLength() {
				f.begin()
			}
			continue
		}
		part := data[:min(f.left, uint64(len(data)))]
		if f.isControl() {
			for _, b := range part {
				f.control[f.length] = b ^ f.key[f.length%len(f.key)]
				f.length++
			}
		}
		f.left -= uint64(len(part))
		data = data[len(part):]
		if f.left == 0 {
			if f.isControl() {
				on(f.header[0]&0x0f, f.control[:f.length])
			}
			f.have, f.inside = 0, false
		}
	}
}

// headerLength returns how long the header is, as far as its first bytes say.
func (f *frames) headerLength() int {
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
func (f *frames) begin() {
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
	f.inside, f.left, f.length = true, length, 0
	operation, final := f.header[0]&0x0f, f.header[0]&0x80 != 0
	switch {
	case f.isControl():
		f.broken = operation > opPong || !final || length > maxControl
	default:
		f.broken = operation > 2 || length > 1<<63-1
	}
}

func (f *frames) isControl() bool { return f.header[0]&0x08 != 0 }
