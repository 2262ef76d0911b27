package anchor

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"stormlab/toxiproxy/internal/websocket"
)

const (
	get     = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
	upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
)

// frame is one short WebSocket frame, masked as a client's.
func frame(payload string) string {
	key := []byte{9, 8, 7, 6}
	data := append([]byte{0x82, 0x80 | byte(len(payload))}, key...)
	for i, b := range []byte(payload) {
		data = append(data, b^key[i%4])
	}
	return string(data)
}

type part struct {
	from websocket.Side
	text string
}

// crossings feeds parts in pieces of a size to a connection that is armed from its beginning, and returns how many bytes passed before
// each strike.
func crossings(t *testing.T, size int, r Request, parts ...part) (found []Crossing) {
	t.Helper()
	point, p := r.Point()
	if p != nil {
		t.Fatal(p.Message)
	}
	watches, tracker := []*Watch{Arm(point)}, &Tracker{}
	if c := tracker.Open(watches); c != nil {
		found = append(found, *c)
	}
	for _, one := range parts {
		for piece := range slices.Chunk([]byte(one.text), size) {
			found = append(found, tracker.Feed(one.from, piece, watches)...)
		}
	}
	return found
}

var sizes = []int{1, 2, 3, 7, 1 << 20}

func TestAnAnchorIsAtTheSameByteInWhateverPiecesTheStreamComes(t *testing.T) {
	client, server := websocket.Client, websocket.Server
	ws := []part{{client, get}, {server, upgrade}, {client, frame("aa") + frame("COMMIT") + frame("")}, {server, "\x82\x02ok\x82\x02no"}}
	sql := []part{{client, "BEGIN;"}, {server, "ok"}, {client, "COMCOMMIT;COMMIT"}, {server, "ok, committed"}}
	head := int64(len(get))
	for name, c := range map[string]struct {
		request Request
		parts   []part
		bytes   int64
		frame   int64
	}{
		"after a byte":            {Request{Stream: "upstream", Bytes: 9}, sql, 9, 0},
		"before a byte":           {Request{Stream: "upstream", Bytes: 9, Before: true}, sql, 8, 0},
		"before the first byte":   {Request{Stream: "downstream", Bytes: 1, Before: true}, sql, 0, 0},
		"after a text":            {Request{Stream: "upstream", Pattern: "COMMIT"}, sql, 15, 0},
		"before a text's end":     {Request{Stream: "upstream", Pattern: "COMMIT", Before: true}, sql, 14, 0},
		"its second occurrence":   {Request{Stream: "upstream", Pattern: "COMMIT", Occurrence: 2}, sql, 22, 0},
		"a text over two turns":   {Request{Stream: "upstream", Pattern: ";COM"}, sql, 9, 0},
		"before an answer":        {Request{Response: 2, Before: true}, sql, 2, 0},
		"after an answer's begin": {Request{Response: 1}, sql, 1, 0},
		"after a frame":           {Request{Stream: "upstream", Frame: 1}, ws, head + 8, 1},
		"before a frame":          {Request{Stream: "upstream", Frame: 2, Before: true}, ws, head + 8, 2},
		"after an empty frame":    {Request{Stream: "upstream", Frame: 3}, ws, head + 8 + 12 + 6, 3},
		"a server's frame":        {Request{Stream: "downstream", Frame: 2}, ws, int64(len(upgrade)) + 8, 2},
		"a text in a frame":       {Request{Stream: "upstream", Pattern: "COMMIT"}, ws, head + 8 + 12, 2},
		"of the first connection": {Request{Stream: "upstream", Bytes: 9, Connection: 1}, sql, 9, 0},
		"its opening":             {Request{Connection: 1}, sql, 0, 0},
		"not what is skipped":     {Request{Stream: "upstream", Bytes: 9, Skip: []string{"GET /probe"}}, sql, 9, 0},
	} {
		for _, size := range sizes {
			found := crossings(t, size, c.request, c.parts...)
			if len(found) != 1 || found[0].Bytes != c.bytes || found[0].Frame != c.frame {
				t.Errorf("%s, in pieces of %d: %+v, not after %d bytes in frame %d", name, size, found, c.bytes, c.frame)
			}
		}
	}
}

func TestWhatDoesNotCountNeverStrikes(t *testing.T) {
	client, server := websocket.Client, websocket.Server
	ws := []part{{client, get}, {server, upgrade}, {client, frame("COM") + frame("MIT")}}
	for name, c := range map[string]struct {
		request Request
		parts   []part
	}{
		"a text of two frames":      {Request{Stream: "upstream", Pattern: "COMMIT"}, ws},
		"a frame that does not end": {Request{Stream: "upstream", Frame: 3}, append(slices.Clone(ws), part{client, "\x82\x82keyy"})},
		"the other stream":          {Request{Stream: "downstream", Pattern: "COMMIT"}, []part{{client, "COMMIT"}}},
		"another connection":        {Request{Stream: "upstream", Bytes: 1, Connection: 2}, []part{{client, "x"}}},
		"an answer of two frames":   {Request{Response: 3}, []part{{client, get}, {server, upgrade}, {client, frame("a")}, {server, "\x82\x02ok\x82\x02no"}}},
		"a greeting as an answer":   {Request{Response: 1}, []part{{server, "220 hello"}, {server, " there"}}},
		"what is skipped":           {Request{Stream: "upstream", Bytes: 1, Skip: []string{"PING", "GET /chat"}}, ws},
	} {
		for _, size := range []int{1 << 20} {
			if found := crossings(t, size, c.request, c.parts...); len(found) != 0 {
				t.Errorf("%s, in pieces of %d: %+v", name, size, found)
			}
		}
	}
}

func TestAConnectionThatWasOpenCountsFromWhenTheAnchorIsArmed(t *testing.T) {
	point, _ := (&Request{Stream: "upstream", Frame: 2, Before: true}).Point()
	tracker, early := &Tracker{}, get+frame("one")+frame("two")
	tracker.Feed(websocket.Client, []byte(get), nil)
	tracker.Feed(websocket.Server, []byte(upgrade), nil)
	tracker.Feed(websocket.Client, []byte(early[len(get):len(early)-2]), nil) // Within the second frame.
	rest := early[len(early)-2:] + frame("three") + frame("four")
	found := tracker.Feed(websocket.Client, []byte(rest), []*Watch{Arm(point)})
	if want := int64(len(early) + len(frame("three"))); len(found) != 1 || found[0].Bytes != want || found[0].Frame != 4 || found[0].Opened != 0 {
		t.Errorf("%+v, not after %d bytes before the connection's frame 4", found, want)
	}
}

func TestTheFirstConnectionIsNotOneThatWasOpen(t *testing.T) {
	point, _ := (&Request{Stream: "upstream", Bytes: 1, Connection: 1}).Point()
	if found := (&Tracker{}).Feed(websocket.Client, []byte("x"), []*Watch{Arm(point)}); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

func TestACounterGoesWithItsAnchor(t *testing.T) {
	point, _ := (&Request{Stream: "upstream", Bytes: 100}).Point()
	tracker := &Tracker{}
	for range 1000 {
		tracker.Feed(websocket.Client, []byte("x"), []*Watch{Arm(point)})
	}
	if found := len(tracker.counters); found > 2 {
		t.Errorf("%d counters of anchors that are gone", found)
	}
}

func TestOneConnectionOfAllLinksStrikes(t *testing.T) {
	point, _ := (&Request{Stream: "upstream", Bytes: 1}).Point()
	first := Arm(point)
	watches := []*Watch{first, first.Again()}
	for _, w := range watches {
		(&Tracker{}).Feed(websocket.Client, []byte("x"), []*Watch{w})
	}
	if first.Disarm() {
		t.Error("nothing struck")
	}
	if again := (&Tracker{}).Feed(websocket.Client, []byte("x"), watches); len(again) != 0 {
		t.Errorf("it struck again: %+v", again)
	}
}

func TestTwoAnchorsInOnePieceAreFoundInTheirOrder(t *testing.T) {
	late, _ := (&Request{Stream: "upstream", Bytes: 9}).Point()
	early, _ := (&Request{Stream: "upstream", Pattern: "ef"}).Point()
	found := (&Tracker{}).Feed(websocket.Client, []byte("abcdefghijk"), []*Watch{Arm(late), Arm(early)})
	if len(found) != 2 || found[0].Offset != 6 || found[1].Offset != 9 {
		t.Errorf("%+v", found)
	}
}

func TestAPointThatIsNoneIsRefused(t *testing.T) {
	for says, r := range map[string]Request{
		"one of":                   {},
		"one of bytes":             {Stream: "upstream", Bytes: 1, Frame: 1},
		"stream must be":           {Bytes: 1},
		"when.stream belongs":      {Stream: "upstream", Response: 1},
		"when.before belongs":      {Connection: 1, Before: true},
		"needs when.pattern":       {Stream: "upstream", Bytes: 1, Occurrence: 2},
		"must be between":          {Stream: "upstream", Bytes: -1},
		"at most 256 bytes":        {Stream: "upstream", Pattern: strings.Repeat("x", 257)},
		"1 to 64 bytes":            {Connection: 1, Skip: []string{""}},
		"when.skip must have at m": {Connection: 1, Skip: make([]string, 9)},
	} {
		if _, p := r.Point(); p == nil || !strings.Contains(p.Message, says) {
			t.Errorf("%+v: %v does not say %q", r, p, says)
		}
	}
}

// FuzzATextIsFoundWhereItIs compares with a search in the whole stream.
func FuzzATextIsFoundWhereItIs(f *testing.F) {
	f.Add([]byte("abababac"), "abac", uint8(2), uint8(1))
	f.Add([]byte("aaaaaaa"), "aa", uint8(1), uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, pattern string, size, occurrence uint8) {
		if pattern == "" || len(pattern) > maxPattern {
			return
		}
		want, after := -1, 0
		for range max(1, int(occurrence)) {
			at := bytes.Index(stream[after:], []byte(pattern))
			if at < 0 {
				want = -1
				break
			}
			after += at + 1
			want = after - 1 + len(pattern)
		}
		found := crossings(t, max(1, int(size)), Request{Stream: "upstream", Pattern: pattern, Occurrence: int64(occurrence)}, part{websocket.Client, string(stream)})
		if want < 0 && len(found) > 0 || want >= 0 && (len(found) != 1 || found[0].Bytes != int64(want)) {
			t.Errorf("%q number %d in %q: %+v, not after %d", pattern, occurrence, stream, found, want)
		}
	})
}

func BenchmarkFeed(b *testing.B) {
	point, _ := (&Request{Stream: "upstream", Pattern: "COMMIT"}).Point()
	for name, c := range map[string]struct {
		data    []byte
		watches []*Watch
	}{"small": {make([]byte, 100), nil}, "large": {make([]byte, 32<<10), nil}, "large, for a text": {make([]byte, 32<<10), []*Watch{Arm(point)}}} {
		b.Run(name, func(b *testing.B) {
			tracker := &Tracker{}
			tracker.Feed(websocket.Server, []byte("+OK\r\n\r\n"), nil)
			for b.Loop() {
				tracker.Feed(websocket.Client, c.data, c.watches)
			}
		})
	}
}
