package journal

import (
	"bytes"
	"strconv"
	"time"
)

// A dialog follows what both sides of a connection send, as far as it is HTTP: the status of the first answer, and the control frames
// of a WebSocket. It only reads. The bytes are hostile: nothing of them is kept but what is bounded here.
type dialog struct {
	opaque     bool // Nothing more can be read from the streams.
	head       []byte
	interim    int
	client     headEnd
	webSocket  bool
	frames     [sides]frames
	pings      [sides]pings // By the side that sent the ping.
	closeCodes [sides]int
}

// An answer is the first final status of an HTTP server.
type answer struct {
	status    int
	webSocket bool
}

const (
	maxHead    = 8 << 10
	maxInterim = 8
	// noCode is the close code that RFC 6455 gives to a close frame without one.
	noCode = 1005
)

var (
	http1   = []byte("HTTP/1.")
	headers = []byte("\r\n\r\n")
)

// feed takes what a side sent. It returns the answer with whose head these bytes end.
func (d *dialog) feed(from Side, data []byte, at time.Time) *answer {
	if d.webSocket {
		d.feedFrames(from, data, at)
		return nil
	}
	if from == Client {
		d.client.feed(data)
		return nil
	}
	room := maxHead - len(d.head)
	taken := data[:min(room, len(data))]
	before := len(d.head)
	d.head = append(d.head, taken...)
	known := min(len(d.head), len(http1))
	if !bytes.Equal(d.head[:known], http1[:known]) {
		d.opaque = true
		return nil
	}
	end := bytes.Index(d.head[max(0, before-len(headers)+1):], headers)
	if end < 0 {
		if len(d.head) < maxHead {
			return nil
		}
		d.opaque = true
		return &answer{status: status(d.head)}
	}
	end += max(0, before-len(headers)+1) + len(headers)
	return d.answered(data[end-before:], d.head[:end], at)
}

// answered handles a whole head, and the bytes that follow it.
func (d *dialog) answered(rest, head []byte, at time.Time) *answer {
	found := &answer{status: status(head)}
	d.head = nil
	switch {
	case found.status == 101:
		found.webSocket = upgradesToWebSocket(head)
	case found.status >= 100 && found.status < 200 && d.interim < maxInterim:
		d.interim++
		return d.feed(Server, rest, at)
	}
	d.webSocket, d.opaque = found.webSocket, !found.webSocket
	if d.webSocket {
		// What the client sent before it had the answer may be frames or anything else.
		d.frames[Client].broken = !d.client.clean()
		d.feedFrames(Server, rest, at)
	}
	return found
}

// status returns the status in a head's first line; 0 where there is none.
func status(head []byte) int {
	if len(head) < 12 || head[8] != ' ' {
		return 0
	}
	number, err := strconv.ParseUint(string(head[9:12]), 10, 16)
	if err != nil {
		return 0
	}
	return int(number)
}

func upgradesToWebSocket(head []byte) bool {
	for _, line := range bytes.Split(head, []byte("\r\n")) {
		name, value, found := bytes.Cut(line, []byte(":"))
		if found && bytes.EqualFold(bytes.TrimSpace(name), []byte("upgrade")) {
			return bytes.EqualFold(bytes.TrimSpace(value), []byte("websocket"))
		}
	}
	return false
}

func (d *dialog) feedFrames(from Side, data []byte, at time.Time) {
	d.frames[from].feed(data, func(operation byte, payload []byte) {
		switch operation {
		case opClose:
			if d.closeCodes[from] == 0 {
				d.closeCodes[from] = closeCode(payload)
			}
		case opPing:
			d.pings[from].sent(payload, at)
		case opPong:
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

// A headEnd finds the end of the client's first request.
type headEnd struct {
	size    int
	matched int // How much of the blank line that ends the head has come.
	after   bool
}

func (h *headEnd) feed(data []byte) {
	for _, b := range data {
		if h.matched == len(headers) {
			h.after = true
			return
		}
		if h.size++; h.size > maxHead {
			return
		}
		switch {
		case b == headers[h.matched]:
			h.matched++
		case b == '\r':
			h.matched = 1
		default:
			h.matched = 0
		}
	}
}

// clean returns whether the head has ended and nothing followed it.
func (h *headEnd) clean() bool { return h.matched == len(headers) && !h.after }
