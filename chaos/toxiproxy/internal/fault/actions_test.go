package fault_test

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
)

func TestACutSendsFinToBothEndsAtOnceAndNewConnectionsWork(t *testing.T) {
	h := labtest.New(t, "a", "b")
	client, server := h.Connect("a")
	other, otherServer := h.Connect("b")
	v := h.Inject("f", labtest.A, "cut")
	for _, e := range []*labtest.Peer{client, server} {
		e.ExpectEnd(nil)
	}
	if v.Links[0].ConnectionsHit != 1 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	again, againServer := h.Connect("a")
	again.Send([]byte("new"))
	againServer.Expect([]byte("new"))
	other.Send([]byte("spared"))
	otherServer.Expect([]byte("spared"))
}

func TestACutIsAFinAlsoWhileDataFlows(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	for _, e := range []*labtest.Peer{client, server} {
		e.Flood()
	}
	client.Take(100_000)
	server.Take(100_000)
	h.Inject("f", labtest.A, "cut")
	for _, e := range []*labtest.Peer{client, server} {
		e.ExpectEnd(nil)
	}
}

func TestAResetSendsRstToBothEndsAtOnceIdleOnesToo(t *testing.T) {
	h := labtest.New(t, "a", "b")
	idle, idleServer := h.Connect("a")
	busy, busyServer := h.Connect("a")
	other, otherServer := h.Connect("b")
	busy.Send([]byte("x"))
	busyServer.Expect([]byte("x"))
	start := time.Now()
	v := h.Inject("f", labtest.A, "reset")
	for _, e := range []*labtest.Peer{idle, idleServer, busy, busyServer} {
		e.ExpectEnd(syscall.ECONNRESET)
	}
	t.Logf("all four ends were reset within %s of the call", time.Since(start))
	if v.Links[0].ConnectionsHit != 2 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	again, againServer := h.Connect("a")
	again.Send([]byte("new"))
	againServer.Expect([]byte("new"))
	other.Send([]byte("spared"))
	otherServer.Expect([]byte("spared"))
}

func TestRefusedLinksEndTheirConnectionsAndRefuseNewOnesUntilTheFaultEnds(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "refuse")
	for _, e := range []*labtest.Peer{client, server} {
		e.ExpectEnd(nil)
	}
	if !h.Refused("a") || h.Link("a").Enabled {
		t.Error("the link is open")
	}
	h.End("f")
	h.Connect("a")
}

func TestBlockingNewConnectionsKeepsTheLiveOnes(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	for range 3 {
		h.Inject("f", labtest.A, "block_new")
		if !h.Refused("a") {
			t.Error("a new connection was not refused")
		}
		client.Send([]byte("live"))
		server.Expect([]byte("live"))
		server.Send([]byte("and well"))
		client.Expect([]byte("and well"))
		h.End("f")
		h.Connect("a")
	}
}

func TestALinkStaysShutUntilTheLastFaultThatShutsItEnds(t *testing.T) {
	h := labtest.New(t, "a")
	h.Inject("f1", labtest.A, "refuse")
	h.Inject("f2", labtest.A, "block_new")
	h.End("f1")
	if !h.Refused("a") {
		t.Error("the first end opened the link")
	}
	h.End("f2")
	h.Connect("a")
}

func TestALinkWhosePortWasTakenMeanwhileOpensWhenItIsFree(t *testing.T) {
	h := labtest.New(t, "a")
	address := h.Address("a")
	h.Inject("f", labtest.A, "block_new")
	thief, err := net.Listen("tcp", address)
	h.Must(err)
	if v := h.End("f"); !strings.Contains(v.Links[0].Problem, "address already in use") {
		t.Errorf("the ended fault is %+v", v)
	}
	h.Must(thief.Close())
	h.Until("the link opens by itself", func() bool { return h.Link("a").Enabled })
	h.Connect("a")
}

func TestALinkThatWasDisabledBeforeAFaultShutItStaysSoUntilHealed(t *testing.T) {
	h := labtest.New(t, "a")
	h.Call("POST", "/proxies/a", map[string]any{"enabled": false}, http.StatusOK, nil)
	h.Inject("f", labtest.A, "refuse")
	h.End("f")
	if !h.Refused("a") {
		t.Error("the end of the fault opened a link that it had not shut")
	}
	h.Call("POST", "/lab/heal", nil, http.StatusOK, nil)
	h.Connect("a")
}
