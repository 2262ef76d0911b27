package websocket

import (
	"bytes"
	"strconv"
)

// A Side is one end of a connection. The numbers are those of Toxiproxy's streams: the client sends upstream, the server downstream.
type Side int

const (
	Client Side = iota
	Server
	Sides // Their number.
)

func (s Side) String() string { return [...]string{"client", "server"}[s] }

// A Handshake follows what both sides of a connection send until the head of the first final HTTP answer has ended, and says whether a
// WebSocket follows. It only reads. The bytes are hostile: nothing of them is kept but what is bounded here.
type Handshake struct {
	Opaque    bool // The streams are no HTTP, or nothing more can be read from them.
	WebSocket bool // Frames follow on both sides.
	head      []byte
	interim   int
	client    headEnd
}

// An Answer is the first final status of an HTTP server.
type Answer struct {
	Status    int
	WebSocket bool
}

const (
	// MaxHead bounds the bytes of a head that are kept.
	MaxHead    = 8 << 10
	maxInterim = 8
)

var (
	http1   = []byte("HTTP/1.")
	headers = []byte("\r\n\r\n")
)

// Feed takes what a side sent before a WebSocket began. It returns the answer with whose head these bytes end, and the bytes after it.
func (h *Handshake) Feed(from Side, data []byte) (found *Answer, rest []byte) {
	if from == Client {
		h.client.feed(data)
		return nil, nil
	}
	room := MaxHead - len(h.head)
	taken := data[:min(room, len(data))]
	before := len(h.head)
	h.head = append(h.head, taken...)
	known := min(len(h.head), len(http1))
	if !bytes.Equal(h.head[:known], http1[:known]) {
		h.Opaque = true
		return nil, nil
	}
	end := bytes.Index(h.head[max(0, before-len(headers)+1):], headers)
	if end < 0 {
		if len(h.head) < MaxHead {
			return nil, nil
		}
		h.Opaque = true
		return &Answer{Status: status(h.head)}, nil
	}
	end += max(0, before-len(headers)+1) + len(headers)
	return h.answered(data[end-before:], h.head[:end])
}

// answered handles a whole head, and the bytes that follow it.
func (h *Handshake) answered(rest, head []byte) (*Answer, []byte) {
	found := &Answer{Status: status(head)}
	h.head = nil
	switch {
	case found.Status == 101:
		found.WebSocket = upgradesToWebSocket(head)
	case found.Status >= 100 && found.Status < 200 && h.interim < maxInterim:
		h.interim++
		return h.Feed(Server, rest)
	}
	h.WebSocket, h.Opaque = found.WebSocket, !found.WebSocket
	return found, rest
}

// IsClean returns whether the client sent one whole head and nothing after it. What follows before the answer may be frames or anything
// else.
func (h *Handshake) IsClean() bool { return h.client.clean() }

// Kept returns how many bytes of a head are kept.
func (h *Handshake) Kept() int { return len(h.head) }

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
		if h.size++; h.size > MaxHead {
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
