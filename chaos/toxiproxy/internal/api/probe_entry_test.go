package api_test

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
)

// A probeHarness is a server with one pair, and a probe entry that leads to a far end of its own.
type probeHarness struct {
	*pairHarness
	entry  string
	farEnd *net.TCPListener
}

func newProbeEntry(t *testing.T) *probeHarness {
	t.Helper()
	h := newPair(t, "")
	farEnd, err := net.Listen("tcp", "127.0.0.1:0")
	h.Must(err)
	t.Cleanup(func() { farEnd.Close() })
	entry, err := h.Server.OpenProbeEntry("127.0.0.1:0", farEnd.Addr().String())
	h.Must(err)
	h.ensure(first, second)
	return &probeHarness{h, entry.String(), farEnd.(*net.TCPListener)}
}

// say connects to the entry and sends some bytes.
func (h *probeHarness) say(text string) *labtest.Peer {
	h.Helper()
	c, err := net.DialTimeout("tcp", h.entry, labtest.Timeout)
	h.Must(err)
	probe := h.Peer(c)
	probe.Send([]byte(text))
	return probe
}

func naming(link string) string { return fmt.Sprintf("STORMLAB PROBE %s\n", link) }

// arrivalAtFarEnd returns the next connection that the far end accepts.
func (h *probeHarness) arrivalAtFarEnd() *labtest.Peer {
	h.Helper()
	h.Must(h.farEnd.SetDeadline(time.Now().Add(labtest.Timeout)))
	c, err := h.farEnd.AcceptTCP()
	h.Must(err)
	return h.Peer(c)
}

// probe returns both ends of a new connection of the prober.
func (h *probeHarness) probe(peer string) (near, far *labtest.Peer) {
	h.Helper()
	near = h.say(naming(linkOf(peer)))
	near.Expect([]byte("OK\n"))
	return near, h.arrivalAtFarEnd()
}

func TestAProbeIsAConnectionOfItsLinkAndEndsAtTheFarEnd(t *testing.T) {
	h := newProbeEntry(t)
	near, far := h.probe(first)
	passes(near, far)
	if l := h.Link(linkOf(first)); l.Probes != 1 {
		t.Errorf("the link is %+v", l)
	}
	if l := h.Link(linkOf(second)); l.Probes != 0 {
		t.Errorf("the other link is %+v", l)
	}
	if one := h.Server.Links.Get(linkOf(first)).Connections(); len(one) != 1 || !one[0].IsProbe {
		t.Errorf("the connections are %+v", one)
	}
	if len(h.Arrive) > 0 {
		t.Error("the server saw the probe")
	}
}

func TestAClientsConnectionIsNoProbeBesideOne(t *testing.T) {
	h := newProbeEntry(t)
	passes(h.probe(first))
	passes(h.connectFrom(first))
	if l := h.Link(linkOf(first)); l.Accepted != 1 || l.Connections != 1 || l.Probes != 1 || l.BytesUpstream != 5 || l.BytesDownstream != 4 {
		t.Errorf("the link is %+v", l)
	}
	probes := 0
	for _, one := range h.Server.Links.Get(linkOf(first)).Connections() {
		if one.IsProbe {
			probes++
		}
	}
	if probes != 1 {
		t.Errorf("%d connections are probes", probes)
	}
}

func TestAProbeIsUnderTheFaultsOfItsLinkAlone(t *testing.T) {
	h := newProbeEntry(t)
	near, far := h.probe(first)
	other, otherFar := h.probe(second)
	h.Inject("f", []string{linkOf(first)}, "none", labtest.Toxic("hold", "upstream", nil))
	near.Send([]byte("held"))
	far.Silent(50 * time.Millisecond)
	passes(other, otherFar)
	h.End("f")
	far.Expect([]byte("held"))
	if v := h.Inject("g", []string{linkOf(first)}, "reset"); v.Links[0].ConnectionsHit != 0 {
		t.Errorf("%d connections of the client hit", v.Links[0].ConnectionsHit)
	}
	near.ExpectEnd(syscall.ECONNRESET)
	far.ExpectEnd(syscall.ECONNRESET)
	passes(other, otherFar)
}

func TestAClosedLinkResetsAProbeBeforeItIsJoinedUntilTheFaultEnds(t *testing.T) {
	h := newProbeEntry(t)
	for _, action := range []string{"refuse", "block_new"} {
		h.Inject(action, []string{linkOf(first)}, action)
		h.say(naming(linkOf(first))).ExpectEnd(syscall.ECONNRESET)
		near, far := h.probe(second)
		passes(near, far)
		h.End(action)
		near, far = h.probe(first)
		passes(near, far)
	}
}

func TestWhatFollowsThePreambleAtOnceIsTheLinks(t *testing.T) {
	h := newProbeEntry(t)
	near := h.say(naming(linkOf(first)) + "early")
	h.arrivalAtFarEnd().Expect([]byte("early"))
	near.Expect([]byte("OK\n"))
}

func TestAPreambleThatNamesNoLinkEndsWithRst(t *testing.T) {
	h := newProbeEntry(t)
	h.AddLinks("ordinary")
	for _, text := range []string{
		naming(linkOf("127.0.0.9")), naming("ordinary"), naming(""), naming(pairName), "GET / HTTP/1.1\r\n", "\n",
	} {
		h.say(text).ExpectEnd(syscall.ECONNRESET)
	}
	near, far := h.probe(first)
	passes(near, far)
}

func TestAPreambleThatDoesNotComeEndsWithRstAndHoldsNothingUp(t *testing.T) {
	h := newProbeEntry(t)
	slow := make([]*labtest.Peer, 80)
	for i := range slow {
		slow[i] = h.say("STORMLAB")
	}
	for _, one := range slow {
		one.ExpectEnd(syscall.ECONNRESET)
	}
	near, far := h.probe(first)
	passes(near, far)
}

func TestAPreambleOnAPairsOwnListenerIsPlainData(t *testing.T) {
	h := newProbeEntry(t)
	c, err := h.dialFrom(first)
	h.Must(err)
	client, server := h.Peer(c), h.Arrival()
	client.Send([]byte(naming(linkOf(second))))
	server.Expect([]byte(naming(linkOf(second))))
	server.Send([]byte("plain"))
	client.Expect([]byte("plain"))
	if n := h.Link(linkOf(second)).Accepted; n != 0 {
		t.Errorf("the other link has %d connections", n)
	}
}

func TestAProbeWhoseFarEndIsGoneEndsWithRst(t *testing.T) {
	h := newProbeEntry(t)
	h.farEnd.Close()
	h.say(naming(linkOf(first))).ExpectEnd(syscall.ECONNRESET)
}

func TestAProbeEntryIsAtAnAddressOfOneInterfaceThatNoPairHas(t *testing.T) {
	h := newPair(t, "")
	h.Must(h.Server.OpenPairs([]link.Spec{{Name: "a->b:1", Listen: "127.0.0.1:0", Upstream: h.Upstream}}))
	for listen, says := range map[string]string{
		"0.0.0.0:0": "address of one interface", ":0": "address of one interface", "192.0.2.7:0": "address of one interface",
		"127.0.0.1:0": "a->b:1 listens at the same address", "nowhere": "missing port",
	} {
		if _, err := h.Server.OpenProbeEntry(listen, h.Upstream); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func TestAProbesConnectionIsClosedAtOneEndOfItsLinkAlone(t *testing.T) {
	h := newProbeEntry(t)
	near, far := h.probe(first)
	spared, sparedFar := h.probe(second)
	h.Inject("f", []string{linkOf(first)}, "fin_server")
	far.ExpectEnd(nil)
	near.Send([]byte("?"))
	near.Silent(50 * time.Millisecond)
	passes(h.probe(first))
	passes(spared, sparedFar)
	h.End("f")
	near.ExpectEnd(syscall.ECONNRESET)
	passes(spared, sparedFar)
}
