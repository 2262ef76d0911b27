package fault_test

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/labtest"
)

// closings are the actions that close one end, with how that end ends.
var closings = []struct {
	action   string
	ofClient bool
	how      error
}{
	{"fin_client", true, nil},
	{"rst_client", true, syscall.ECONNRESET},
	{"fin_server", false, nil},
	{"rst_server", false, syscall.ECONNRESET},
}

// oneSided closes one end of a connection of link a, and returns that end and the other.
func oneSided(h *labtest.Harness, action string, ofClient bool) (closed, silent *labtest.Peer) {
	h.Helper()
	closed, silent = h.Connect("a")
	if !ofClient {
		closed, silent = silent, closed
	}
	if v := h.Inject("f", labtest.A, action); v.Links[0].ConnectionsHit != 1 || !v.Links[0].Present {
		h.Errorf("%s began as %+v", action, v.Links[0])
	}
	return closed, silent
}

func TestOneEndIsClosedAndTheOtherStaysOpenAndSilentUntilItIsResetAtTheEnd(t *testing.T) {
	for _, c := range closings {
		t.Run(c.action, func(t *testing.T) {
			h := labtest.New(t, "a")
			closed, silent := oneSided(h, c.action, c.ofClient)
			closed.ExpectEnd(c.how)
			closed.Close()
			silent.Send(labtest.Pattern(300_000))
			silent.Silent(100 * time.Millisecond)
			h.Until("its bytes are swallowed", func() bool {
				var bytes int64
				for _, one := range h.Fault("f").Links[0].Toxics {
					bytes += one.Counters["forgotten_bytes"]
				}
				return bytes == 300_000
			})
			h.End("f")
			if data, err := silent.Rest(); len(data) > 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the silent end received %d bytes and ended with %v", len(data), err)
			}
			h.Until("the connection is forgotten", func() bool { return len(h.Server.Links.Get("a").Connections()) == 0 })
		})
	}
}

func TestTheSilentEndIsResetAlsoWhereItSentNothing(t *testing.T) {
	for _, c := range closings {
		t.Run(c.action, func(t *testing.T) {
			h := labtest.New(t, "a")
			closed, silent := oneSided(h, c.action, c.ofClient)
			closed.ExpectEnd(c.how)
			silent.Silent(50 * time.Millisecond)
			h.End("f")
			silent.ExpectEnd(syscall.ECONNRESET)
		})
	}
}

func TestNewConnectionsPassWhileOneEndOfOlderOnesIsClosed(t *testing.T) {
	for _, c := range closings {
		t.Run(c.action, func(t *testing.T) {
			h := labtest.New(t, "a", "b")
			other, otherServer := h.Connect("b")
			_, silent := oneSided(h, c.action, c.ofClient)
			client, server := h.Connect("a")
			client.Send([]byte("ask"))
			server.Expect([]byte("ask"))
			server.Send([]byte("answer"))
			client.Expect([]byte("answer"))
			leaver, left := h.Connect("a")
			leaver.Close()
			left.ExpectEnd(nil)
			silent.Silent(20 * time.Millisecond)
			h.End("f")
			client.Send([]byte("still here"))
			server.Expect([]byte("still here"))
			other.Send([]byte("spared"))
			otherServer.Expect([]byte("spared"))
		})
	}
}

func TestASilentEndThatClosesItselfGetsNoAnswer(t *testing.T) {
	h := labtest.New(t, "a")
	closed, silent := oneSided(h, "rst_client", true)
	closed.ExpectEnd(syscall.ECONNRESET)
	h.Must(silent.CloseWrite())
	silent.Silent(100 * time.Millisecond)
	h.End("f")
	silent.ExpectEnd(syscall.ECONNRESET)
}

func TestOneEndIsClosedWhileDataFlowsBothWays(t *testing.T) {
	for _, c := range closings {
		t.Run(c.action, func(t *testing.T) {
			h := labtest.New(t, "a")
			client, server := h.Connect("a")
			for _, e := range []*labtest.Peer{client, server} {
				e.Flood()
			}
			client.Take(100_000)
			server.Take(100_000)
			closed, silent := client, server
			if !c.ofClient {
				closed, silent = server, client
			}
			h.Inject("f", labtest.A, c.action)
			closed.Rest() // An end that floods may take note of a reset where it writes.
			// What was on its way may still come; then nothing.
			h.Must(silent.SetReadDeadline(time.Now().Add(300 * time.Millisecond)))
			_, _ = io.Copy(io.Discard, silent)
			silent.Silent(100 * time.Millisecond)
			h.End("f")
			silent.Rest()
		})
	}
}

func TestASecondClosingOfTheOtherEndFindsNoLiveConnection(t *testing.T) {
	h := labtest.New(t, "a")
	_, silent := oneSided(h, "fin_client", true)
	if v := h.Inject("second", labtest.A, "fin_server"); v.Links[0].ConnectionsHit != 0 {
		t.Errorf("the second one hit %d connections", v.Links[0].ConnectionsHit)
	}
	silent.Silent(50 * time.Millisecond)
	h.End("second")
	silent.Silent(50 * time.Millisecond)
	h.End("f")
	silent.ExpectEnd(syscall.ECONNRESET)
}

func TestBytesThatAnEarlierToxicHoldsDoNotReachTheSilentEnd(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("held", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	client.Send([]byte("held"))
	h.Until("the bytes are held", func() bool { return h.Count("held", "held_bytes") == 4 })
	h.Inject("f", labtest.A, "fin_client")
	client.ExpectEnd(nil)
	h.End("held")
	server.Silent(100 * time.Millisecond)
	h.End("f")
	server.ExpectEnd(syscall.ECONNRESET)
}

func TestAClientThatComesBackFromTheSamePortKeepsItsNewConnectionWhenTheFaultEnds(t *testing.T) {
	h := labtest.New(t, "a")
	former, _ := oneSided(h, "rst_client", true)
	former.ExpectEnd(syscall.ECONNRESET)
	former.Close()
	client, server := h.DialAgain(former, h.Address("a")), h.Arrival()
	client.Send([]byte("new"))
	server.Expect([]byte("new"))
	h.End("f")
	l := h.Server.Links.Get("a")
	h.Until("the former connection has left Toxiproxy's list", func() bool { return len(internals.Sockets(l.Proxy)) == 0 })
	if live := l.Live(); len(live) != 1 {
		t.Errorf("%d connections are live", len(live))
	}
	client.Send([]byte("still here"))
	server.Expect([]byte("still here"))
	if v := h.Inject("g", labtest.A, "reset"); v.Links[0].ConnectionsHit != 1 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	client.ExpectEnd(syscall.ECONNRESET)
}
