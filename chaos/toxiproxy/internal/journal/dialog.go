package journal

import (
	"time"

	"stormlab/toxiproxy/internal/websocket"
)

// A dialog follows what both sides of a connection send, as far as it is HTTP: the status of the first answer, and the control frames
// of a WebSocket. It only reads. The bytes are hostile: nothing of them is kept but what is bounded here.
type dialog struct {
	handshake  websocket.Handshake
	frames     [sides]websocket.Frames
	pings      [sides]pings // By the side that sent the ping.
	closeCodes [sides]int
}

// noCode is the close code that RFC 6455 gives to a close frame without one.
const noCode = 1005

// feed takes what a side sent. It returns the answer with whose head these bytes end.
func (d *dialog) feed(from Side, data []byte, at time.Time) *websocket.Answer {
	if d.handshake.WebSocket {
		d.feedFrames(from, data, at)
		return nil
	}
	found, rest := d.handshake.Feed(from, data)
	if d.handshake.WebSocket {
		d.frames[Client].Broken = !d.handshake.IsClean()
		d.feedFrames(Server, rest, at)
	}
	return found
}

func (d *dialog) feedFrames(from Side, data []byte, at time.Time) {
	d.frames[from].Feed(data, func(operation byte, payload []byte) {
		switch operation {
		case websocket.OpClose:
			if d.closeCodes[from] == 0 {
				d.closeCodes[from] = closeCode(payload)
			}
		case websocket.OpPing:
			d.pings[from].sent(payload, at)
		case websocket.OpPong:
			d.pings[1-from].answeredBy(payload, at)
		}
	})
}

func closeCode(payload []byte) int {
	if len(payload) < 2 {
		return noCode
	}
	return int(payload[0])<<8 | int(payload[1])
}
