package fault_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/anchor"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/labtest"
)

// repeats is how often each anchored fault must strike at the same byte.
const repeats = 1000

// arm arms a fault that waits for an anchor on the same links.
func arm(h *labtest.Harness, id string, when anchor.Request, action string, wanted ...fault.ToxicSpec) fault.View {
	h.Helper()
	if when.Links == nil {
		when.Links = labtest.A
	}
	var v fault.View
	h.Call("POST", "/lab/faults", fault.Request{
		ID: id, Links: labtest.A, Toxics: wanted, Action: action, LeaseMs: 60_000, Seed: 1, When: &when,
	}, http.StatusCreated, &v)
	if v.State != "armed" || v.Anchor == nil || v.Anchor.Struck != nil || v.BeganAtMonoNs != 0 {
		h.Fatalf("armed as %+v", v)
	}
	return v
}

// struck waits until an armed fault has struck, and returns its view.
func struck(h *labtest.Harness, id string) fault.View {
	h.Helper()
	var v fault.View
	h.Call("POST", "/lab/faults/"+id+"/wait", map[string]int{"within_ms": 5000}, http.StatusOK, &v)
	if v.State != "on" || v.Anchor.Struck == nil {
		h.Fatalf("it did not strike: %+v, %+v", v, v.Anchor)
	}
	return v
}

// scatter sends data in pieces of drawn sizes.
func scatter(p *labtest.Peer, data []byte, draw *rand.Rand) {
	for len(data) > 0 {
		n := min(1+draw.IntN(40), len(data))
		if _, err := p.Write(data[:n]); err != nil {
			return // It was reset.
		}
		data = data[n:]
	}
}

func masked(payload string) string {
	data := []byte{0x82, 0x80 | byte(len(payload)), 9, 8, 7, 6}
	for i, b := range []byte(payload) {
		data = append(data, b^[]byte{9, 8, 7, 6}[i%4])
	}
	return string(data)
}

const (
	wsGet     = "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
	wsUpgrade = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"
)

// What a client sends comes in other pieces each time; the reset comes after exactly the same bytes.
func TestAResetStrikesAtTheSameByteEveryTime(t *testing.T) {
	stream := "BEGIN; INSERT INTO orders VALUES (1); COMMIT; SELECT 1; BEGIN; COMMIT; " + string(labtest.Pattern(600))
	frames := masked("hello") + masked("a task") + masked("COMMIT") + masked(strings.Repeat("x", 90))
	for name, c := range map[string]struct {
		when  anchor.Request
		sends string
		reads string // Of it, by the server.
		frame int64
	}{
		"after a byte":     {anchor.Request{Stream: "upstream", Bytes: 317}, stream, stream[:317], 0},
		"before a byte":    {anchor.Request{Stream: "upstream", Bytes: 317, Before: true}, stream, stream[:316], 0},
		"at a text":        {anchor.Request{Stream: "upstream", Pattern: "COMMIT"}, stream, stream[:strings.Index(stream, "COMMIT")+6], 0},
		"after a frame":    {anchor.Request{Stream: "upstream", Frame: 2}, frames, frames[:11+12], 2},
		"before a frame":   {anchor.Request{Stream: "upstream", Frame: 3, Before: true}, frames, frames[:11+12], 3},
		"a text in frames": {anchor.Request{Stream: "upstream", Pattern: "COMMIT"}, frames, frames[:11+12+12], 3},
	} {
		t.Run(name, func(t *testing.T) {
			h := labtest.New(t, "a")
			isFrames := c.sends == frames
			for i := range repeats {
				id := fmt.Sprint("f", i)
				client, server := h.Connect("a")
				before := 0
				if isFrames {
					client.Send([]byte(wsGet))
					server.Expect([]byte(wsGet))
					server.Send([]byte(wsUpgrade))
					client.Expect([]byte(wsUpgrade))
					before = len(wsGet)
				}
				arm(h, id, c.when, "reset")
				go scatter(client, []byte(c.sends), rand.New(rand.NewPCG(1, uint64(i))))
				got, err := server.Rest()
				if string(got) != c.reads || !errors.Is(err, syscall.ECONNRESET) {
					t.Fatalf("repeat %d: the server received %d bytes, not %d, and then %v", i, len(got), len(c.reads), err)
				}
				at := struck(h, id).Anchor.Struck
				if at.Bytes != int64(before+len(c.reads)) || at.Frame != c.frame || !at.Exact || at.Link != "a" {
					t.Fatalf("repeat %d struck at %+v", i, *at)
				}
				h.End(id)
				client.Close()
			}
		})
	}
}

// A server that answers at once does not get one byte of its answer past the door.
func TestNoAnswerToTheBytesBeforeTheAnchorPasses(t *testing.T) {
	h := labtest.New(t, "a")
	for i := range repeats / 5 {
		id := fmt.Sprint("f", i)
		client, server := h.Connect("a")
		arm(h, id, anchor.Request{Stream: "upstream", Pattern: "COMMIT"}, "reset")
		client.Send([]byte("BEGIN; COMMIT; "))
		server.Expect([]byte("BEGIN; COMMIT"))
		_, _ = server.Write([]byte("done")) // It may have been reset by now.
		if got, err := client.Rest(); len(got) > 0 || !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("repeat %d: the client received %q and then %v", i, got, err)
		}
		h.End(id)
	}
}

func TestWhatIsAfterTheAnchorIsHeldAndArrivesInOrderOnceTheFaultEnds(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	data := labtest.Pattern(200_000)
	arm(h, "f", anchor.Request{Stream: "upstream", Bytes: 70_001}, "none", labtest.Toxic("hold", "upstream", nil))
	go func() { _, _ = client.Write(data) }()
	server.Expect(data[:70_001])
	server.Silent(100 * time.Millisecond)
	h.End("f")
	server.Expect(data[70_001:])
}

func TestAStockToxicBeginsAtTheAnchorToo(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	arm(h, "f", anchor.Request{Stream: "upstream", Bytes: 5}, "none", labtest.Toxic("latency", "upstream", map[string]any{"latency": 60_000}))
	client.Send([]byte("hello, world"))
	server.Expect([]byte("hello"))
	server.Silent(100 * time.Millisecond)
	if v := struck(h, "f"); len(v.Links[0].Toxics) != 1 || v.BeganAtMonoNs == 0 {
		t.Errorf("%+v", v)
	}
}

func TestAnAnswerIsWithheldFromItsFirstByte(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	server.Send([]byte("220 hello\r\n")) // A greeting is no answer.
	client.Expect([]byte("220 hello\r\n"))
	arm(h, "f", anchor.Request{Response: 2, Before: true}, "none", labtest.Toxic("hold", "downstream", nil))
	for _, one := range []string{"first", "second"} {
		client.Send([]byte(one))
		server.Expect([]byte(one))
		server.Send([]byte("answer"))
		if one == "first" {
			client.Expect([]byte("answer"))
		}
	}
	client.Silent(100 * time.Millisecond)
	h.End("f")
	client.Expect([]byte("answer"))
}

func TestAConnectionIsStruckAsItOpensBeforeItsFirstByte(t *testing.T) {
	h := labtest.New(t, "a")
	older, olderServer := h.Connect("a")
	arm(h, "f", anchor.Request{Connection: 2}, "reset")
	first, firstServer := h.Connect("a")
	first.Send([]byte("one"))
	firstServer.Expect([]byte("one"))
	second, err := net.DialTimeout("tcp", h.Address("a"), labtest.Timeout)
	if err == nil { // The reset may come before the dial returns.
		_, err = h.Peer(second).Rest()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the second connection ended with %v", err)
	}
	for _, one := range []*labtest.Peer{older, olderServer, first, firstServer} {
		one.ExpectEnd(syscall.ECONNRESET) // A reset is of every connection of the link.
	}
	if at := struck(h, "f").Anchor.Struck; at.Opened != 2 || at.Bytes != 0 || !at.Exact {
		t.Errorf("%+v", *at)
	}
}

func TestTheFaultBeginsOnItsLinksAndNotOnTheOneThatCounts(t *testing.T) {
	h := labtest.New(t, "a", "b")
	counting, countingServer := h.Connect("b")
	client, _ := h.Connect("a")
	arm(h, "f", anchor.Request{Links: []string{"b"}, Stream: "upstream", Bytes: 3}, "reset")
	counting.Send([]byte("hello"))
	client.ExpectEnd(syscall.ECONNRESET)
	countingServer.Expect([]byte("hello"))
}

func TestTheFirstLinkThatGetsThereStrikes(t *testing.T) {
	h := labtest.New(t, "a", "b")
	a, _ := h.Connect("a")
	b, bServer := h.Connect("b")
	arm(h, "f", anchor.Request{Links: []string{"a", "b"}, Stream: "upstream", Bytes: 4}, "reset")
	a.Send([]byte("abc"))
	b.Send([]byte("abcd"))
	a.ExpectEnd(syscall.ECONNRESET)
	bServer.Expect([]byte("abcd"))
	if at := struck(h, "f").Anchor.Struck; at.Link != "b" {
		t.Errorf("%+v", *at)
	}
}

func TestAFaultThatWaitsIsDisarmedByItsEndByHealAndByItsLease(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	when := anchor.Request{Stream: "upstream", Bytes: 1}
	for because, end := range map[string]func(){
		"deleted": func() { h.End("f") },
		"heal":    func() { h.Call("POST", "/lab/heal", nil, http.StatusOK, nil) },
		"lease":   func() { h.Call("POST", "/lab/faults/f/renew", map[string]int{"lease_ms": 100}, http.StatusOK, nil) },
	} {
		arm(h, "f", when, "reset", labtest.Toxic("hold", "both", nil))
		end()
		var v fault.View
		h.Call("POST", "/lab/faults/f/wait", map[string]int{"within_ms": 5000}, http.StatusOK, &v)
		if v.State != "ended" || v.EndedBecause != because || v.Anchor.Struck != nil || v.BeganAtMonoNs != 0 {
			t.Errorf("%s: %+v", because, v)
		}
		client.Send([]byte(because))
		server.Expect([]byte(because))
		if l := h.Link("a"); len(l.Toxics)+len(l.Faults) > 0 {
			t.Errorf("%s left %+v", because, l)
		}
	}
}

func TestTheWaitForAnAnchorEndsWithItsTime(t *testing.T) {
	h := labtest.New(t, "a")
	arm(h, "f", anchor.Request{Connection: 1}, "reset")
	labtest.Promptly(t, "a wait of 50 ms", func() {
		var v fault.View
		h.Call("POST", "/lab/faults/f/wait", map[string]int{"within_ms": 50}, http.StatusOK, &v)
		if v.State != "armed" {
			t.Errorf("%+v", v)
		}
	})
	h.Call("POST", "/lab/faults/f/wait", map[string]int{"within_ms": 60_000}, http.StatusBadRequest, nil)
	h.Call("POST", "/lab/faults/none/wait", map[string]int{"within_ms": 1}, http.StatusNotFound, nil)
}

func TestAnAnchorAloneReportsWhereItWasReachedAndTouchesNothing(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	arm(h, "f", anchor.Request{Stream: "upstream", Bytes: 6}, "none")
	client.Send([]byte("hello, world"))
	server.Expect([]byte("hello, world"))
	if at := struck(h, "f").Anchor.Struck; at.Bytes != 6 {
		t.Errorf("%+v", *at)
	}
}

func TestALinkThatIsMadeAgainCountsOn(t *testing.T) {
	h := labtest.New(t, "a")
	arm(h, "f", anchor.Request{Stream: "upstream", Bytes: 3}, "reset")
	h.Call("DELETE", "/proxies/a", nil, http.StatusNoContent, nil)
	h.AddLinks("a")
	h.Until("the fault is on the new link", func() bool { return len(h.Link("a").Faults) == 1 || h.Fault("f").State == "armed" })
	h.Until("the new link counts", func() bool {
		client, server := h.Connect("a")
		client.Send([]byte("hello"))
		got, err := io.ReadAll(io.LimitReader(server, 5))
		return errors.Is(err, syscall.ECONNRESET) && bytes.Equal(got, []byte("hello")[:3])
	})
}

func TestAReceiverThatDoesNotReadDelaysTheStrikeAndTheFaultSaysSo(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	sent := client.Stuff()
	arm(h, "f", anchor.Request{Stream: "upstream", Bytes: 1}, "reset")
	more := make(chan struct{})
	go func() {
		defer close(more)
		_ = client.SetWriteDeadline(time.Now().Add(labtest.Timeout))
		_, _ = client.Write([]byte("x"))
	}()
	h.Until("the door takes another byte", func() bool {
		_ = server.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := server.Read(make([]byte, 64<<10))
		var late net.Error
		return h.Fault("f").State == "on" || err != nil && !(errors.As(err, &late) && late.Timeout())
	})
	<-more
	if at := struck(h, "f").Anchor.Struck; at.Bytes > int64(len(sent))+1 {
		t.Errorf("%+v after %d bytes", *at, len(sent))
	}
}

func TestAnAnchorThatIsNoneIsRefused(t *testing.T) {
	h := labtest.New(t, "a")
	for says, when := range map[string]anchor.Request{
		"when.links must name": {Connection: 1},
		"one of bytes":         {Links: labtest.A},
		"twice":                {Links: []string{"a", "a"}, Connection: 1},
	} {
		var answer struct{ Error string }
		h.Call("POST", "/lab/faults", fault.Request{ID: "f", Links: labtest.A, Action: "cut", LeaseMs: 1000, When: &when}, http.StatusBadRequest, &answer)
		if !strings.Contains(answer.Error, says) {
			t.Errorf("%q does not say %q", answer.Error, says)
		}
	}
	h.Call("POST", "/lab/faults", fault.Request{
		ID: "f", Links: labtest.A, Action: "cut", LeaseMs: 1000, When: &anchor.Request{Links: []string{"b"}, Connection: 1},
	}, http.StatusNotFound, nil)
}
