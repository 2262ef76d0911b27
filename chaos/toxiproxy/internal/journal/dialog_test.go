package journal

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/websocket"
)

const (
	request = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
	upgrade = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"
)

var start = time.Now()

// frame is one WebSocket frame; key masks it, and nil does not.
func frame(operation byte, payload, key []byte) []byte {
	header, mask := []byte{0x80 | operation}, byte(0)
	if key != nil {
		mask = 0x80
	}
	switch {
	case len(payload) > 0xffff:
		header = binary.BigEndian.AppendUint64(append(header, mask|127), uint64(len(payload)))
	case len(payload) > 125:
		header = binary.BigEndian.AppendUint16(append(header, mask|126), uint16(len(payload)))
	default:
		header = append(header, mask|byte(len(payload)))
	}
	header = append(header, key...)
	for i, b := range payload {
		if key != nil {
			b ^= key[i%4]
		}
		header = append(header, b)
	}
	return header
}

// A part is what one side sends at a millisecond.
type part struct {
	from Side
	data []byte
	ms   int
}

// follow feeds parts in pieces of a size, and returns the dialog and its answers.
func follow(size int, parts ...part) (*dialog, []websocket.Answer) {
	d, answers := &dialog{}, []websocket.Answer{}
	for _, p := range parts {
		for piece := range slices.Chunk(p.data, size) {
			if d.handshake.Opaque {
				return d, answers
			}
			if found := d.feed(p.from, piece, start.Add(time.Duration(p.ms)*time.Millisecond)); found != nil {
				answers = append(answers, *found)
			}
		}
	}
	return d, answers
}

var sizes = []int{1, 2, 3, 7, 64, 1 << 20}

func TestTheFirstFinalStatusIsTheAnswer(t *testing.T) {
	for _, size := range sizes {
		for text, want := range map[string]websocket.Answer{
			"HTTP/1.1 503 Service Unavailable\r\n\r\n":                           {Status: 503, WebSocket: false},
			"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nHTTP/1.1 404 x\r\n\r\n": {Status: 200, WebSocket: false},
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n\r\n":          {Status: 201, WebSocket: false},
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n":           {Status: 101, WebSocket: false},
			upgrade: {Status: 101, WebSocket: true},
		} {
			if _, answers := follow(size, part{Client, []byte(request), 0}, part{Server, []byte(text), 1}); !slices.Equal(answers, []websocket.Answer{want}) {
				t.Errorf("%q in pieces of %d: %v", text, size, answers)
			}
		}
	}
}

func TestOtherProtocolsHaveNoAnswer(t *testing.T) {
	for _, text := range []string{"+PONG\r\n\r\n", "HTTP/2 200\r\n\r\n", "\x00\x01", "HTT", "SSH-2.0-x\r\n\r\n"} {
		if _, answers := follow(1, part{Server, []byte(text), 0}); len(answers) != 0 {
			t.Errorf("%q: %v", text, answers)
		}
	}
}

func TestAHeadThatIsTooLongHasItsStatusAlone(t *testing.T) {
	long := append([]byte("HTTP/1.1 200 OK\r\nX: "), make([]byte, 2*websocket.MaxHead)...)
	if d, answers := follow(1000, part{Server, long, 0}); !slices.Equal(answers, []websocket.Answer{{Status: 200, WebSocket: false}}) || !d.handshake.Opaque {
		t.Errorf("%v, opaque %v", answers, d.handshake.Opaque)
	}
}

func TestAPongAnswersThePingWithItsPayloadAndThoseBefore(t *testing.T) {
	key := []byte{9, 8, 7, 6}
	for _, size := range sizes {
		d, _ := follow(size,
			part{Client, []byte(request), 0}, part{Server, []byte(upgrade), 1},
			part{Client, frame(1, make([]byte, 70_000), key), 2},
			part{Client, frame(websocket.OpPing, []byte("a"), key), 10}, part{Client, frame(websocket.OpPing, []byte("b"), key), 20},
			part{Server, frame(2, make([]byte, 300), nil), 21}, part{Server, frame(websocket.OpPong, []byte("unasked"), nil), 22},
			part{Server, frame(websocket.OpPong, []byte("b"), nil), 50},
			part{Client, frame(websocket.OpPing, nil, key), 60},
			part{Server, frame(websocket.OpPing, []byte("s"), nil), 70}, part{Client, frame(websocket.OpPong, []byte("s"), key), 72},
		)
		ns := func(at time.Time) int64 { return int64(at.Sub(start)) }
		c, s := d.pings[Client].summary(ns), d.pings[Server].summary(ns)
		if c.Sent != 3 || c.Answered != 1 || !slices.Equal(c.RttUs, []int64{30_000}) || c.WaitingNs != 60_000_000 {
			t.Errorf("pieces of %d: the client's pings are %+v", size, *c)
		}
		if s.Sent != 1 || s.MedianUs != 2_000 || s.WaitingNs != 0 {
			t.Errorf("pieces of %d: the server's pings are %+v", size, *s)
		}
		if again := d.pings[Client].summary(ns); len(again.RttUs) != 0 || again.Answered != 1 {
			t.Errorf("a round trip is in two lines: %+v", *again)
		}
	}
}

func TestTheCloseCodesOfBothSidesAreRead(t *testing.T) {
	for _, size := range sizes {
		d, _ := follow(size,
			part{Client, []byte(request), 0}, part{Server, append([]byte(upgrade), frame(websocket.OpClose, []byte("\x03\xf3bye"), nil)...), 1},
			part{Client, frame(websocket.OpClose, nil, []byte{1, 2, 3, 4}), 2},
		)
		if d.closeCodes != [sides]int{noCode, 1011} {
			t.Errorf("pieces of %d: %v", size, d.closeCodes)
		}
	}
}

func TestWhatIsNoFrameIsNotReadOn(t *testing.T) {
	closing := frame(websocket.OpClose, []byte{3, 0xe8}, nil)
	for _, bad := range [][]byte{{0x83, 0}, {0x8b, 0}, {0x09, 0}, {0x89, 126, 0, 200}, {0x82, 127, 255, 0, 0, 0, 0, 0, 0, 0}} {
		d, _ := follow(1, part{Client, []byte(request), 0}, part{Server, slices.Concat([]byte(upgrade), bad, closing), 1})
		if !d.frames[Server].Broken || d.closeCodes[Server] != 0 {
			t.Errorf("% x is read as a frame", bad)
		}
	}
}

func TestAClientThatSpeaksBeforeTheAnswerIsNotRead(t *testing.T) {
	early := append([]byte(request), frame(websocket.OpPing, nil, []byte{1, 2, 3, 4})...)
	if d, _ := follow(1<<20, part{Client, early, 0}, part{Server, []byte(upgrade), 1}); !d.frames[Client].Broken {
		t.Error("bytes before the answer count as frames")
	}
}

func TestPingsWithoutAnswersAreBounded(t *testing.T) {
	d, _ := follow(1<<20, part{Client, []byte(request), 0}, part{Server, []byte(upgrade), 1})
	for i := range 10_000 {
		payload := binary.BigEndian.AppendUint32(nil, uint32(i))
		d.feed(Client, frame(websocket.OpPing, payload, []byte{1, 2, 3, 4}), start)
		if i%2 == 0 {
			d.feed(Server, frame(websocket.OpPong, payload, nil), start)
		}
	}
	if p := d.pings[Client]; len(p.waiting) > maxWaiting || len(p.recent) > maxRecent || p.count != 10_000 || p.answered != 5_000 {
		t.Errorf("%d wait, %d are kept, %d of %d were answered", len(p.waiting), len(p.recent), p.answered, p.count)
	}
}

// FuzzTheDialogSurvivesAnyBytes splits one input into both streams, in pieces of any size. The result must not depend on the pieces.
func FuzzTheDialogSurvivesAnyBytes(f *testing.F) {
	f.Add([]byte(request), append([]byte(upgrade), frame(websocket.OpClose, []byte{3, 0xe8}, nil)...), uint16(3))
	f.Add(frame(websocket.OpPing, []byte("x"), []byte{1, 2, 3, 4}), []byte(upgrade+"\x89\x7e"), uint16(1))
	f.Add([]byte("\r\n\r\n"), []byte("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 999999\r\n\r\n"), uint16(9))
	f.Add([]byte(nil), []byte("HTTP/1.1 \r\n\r\n"), uint16(9))
	f.Fuzz(func(t *testing.T, client, server []byte, size uint16) {
		parts := []part{{Client, client, 0}, {Server, server, 1}, {Client, client, 2}, {Server, server, 3}}
		whole, answers := follow(1<<20, parts...)
		pieces, answersOfPieces := follow(1+int(size), parts...)
		if !slices.Equal(answers, answersOfPieces) || whole.closeCodes != pieces.closeCodes || whole.frames[Server].Broken != pieces.frames[Server].Broken {
			t.Errorf("%v and %v, %v and %v", answers, answersOfPieces, whole.closeCodes, pieces.closeCodes)
		}
		for _, d := range []*dialog{whole, pieces} {
			if d.handshake.Kept() > websocket.MaxHead || len(d.pings[Client].waiting) > maxWaiting || len(d.pings[Server].waiting) > maxWaiting {
				t.Errorf("%d bytes and %d pings are kept", d.handshake.Kept(), len(d.pings[Client].waiting))
			}
		}
	})
}
