package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestACutSendsFinToBothEndsAtOnceAndNewConnectionsWork(t *testing.T) {
	w := newWorld(t, "a", "b")
	client, server := w.connect("a")
	other, otherServer := w.connect("b")
	v := w.inject("f", one, "cut")
	for _, e := range []*end{client, server} {
		if _, err := e.rest(); err != nil {
			t.Error("expected FIN, got", err)
		}
	}
	if v.Links[0].ConnectionsHit != 1 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	again, againServer := w.connect("a")
	again.send([]byte("new"))
	againServer.expect([]byte("new"))
	other.send([]byte("spared"))
	otherServer.expect([]byte("spared"))
}

func TestACutIsAFinAlsoWhileDataFlows(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	for _, e := range []*end{client, server} {
		go func() {
			for {
				if _, err := e.Write(pattern(10_000)); err != nil {
					return
				}
			}
		}()
	}
	client.take(100_000)
	server.take(100_000)
	w.inject("f", one, "cut")
	for _, e := range []*end{client, server} {
		if _, err := e.rest(); err != nil {
			t.Error("expected FIN, got", err)
		}
	}
}

func TestAResetSendsRstToBothEndsAtOnceIdleOnesToo(t *testing.T) {
	w := newWorld(t, "a", "b")
	idle, idleServer := w.connect("a")
	busy, busyServer := w.connect("a")
	other, otherServer := w.connect("b")
	busy.send([]byte("x"))
	busyServer.expect([]byte("x"))
	start := time.Now()
	v := w.inject("f", one, "reset")
	for _, e := range []*end{idle, idleServer, busy, busyServer} {
		if _, err := e.rest(); !errors.Is(err, syscall.ECONNRESET) {
			t.Error("expected RST, got", err)
		}
	}
	t.Logf("all four ends were reset within %s of the call", time.Since(start))
	if v.Links[0].ConnectionsHit != 2 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	again, againServer := w.connect("a")
	again.send([]byte("new"))
	againServer.expect([]byte("new"))
	other.send([]byte("spared"))
	otherServer.expect([]byte("spared"))
}

func TestAnEndIsOnTheWireBeforeTheCallThatSendsItReturns(t *testing.T) {
	w := newWorld(t, "a")
	for _, c := range []struct {
		send func(*connection) (bool, func())
		want error
	}{{(*connection).sendRst, syscall.ECONNRESET}, {(*connection).sendFin, nil}} {
		client, server := w.connect("a")
		live, rest := c.send(w.lab.registry.get("a").known()[0])
		for _, e := range []*end{client, server} {
			if _, err := e.rest(); !live || !errors.Is(err, c.want) {
				t.Errorf("live %v, ended with %v, not %v", live, err, c.want)
			}
		}
		rest()
		client.Close()
		server.Close()
		w.until("the connection is forgotten", func() bool { return len(w.lab.registry.get("a").known()) == 0 })
	}
}

func refused(w *world, link string) bool { return refusedAt(w.address(link)) }

func refusedAt(address string) bool {
	c, err := net.DialTimeout("tcp", address, patience)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func TestRefusedLinksEndTheirConnectionsAndRefuseNewOnesUntilTheFaultEnds(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.inject("f", one, "refuse")
	for _, e := range []*end{client, server} {
		if _, err := e.rest(); err != nil {
			t.Error("expected FIN, got", err)
		}
	}
	if !refused(w, "a") || w.link("a").Enabled {
		t.Error("the link is open")
	}
	w.end("f")
	w.connect("a")
}

func TestBlockingNewConnectionsKeepsTheLiveOnes(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	for range 3 {
		w.inject("f", one, "block_new")
		if !refused(w, "a") {
			t.Error("a new connection was not refused")
		}
		client.send([]byte("live"))
		server.expect([]byte("live"))
		server.send([]byte("and well"))
		client.expect([]byte("and well"))
		w.end("f")
		w.connect("a")
	}
}

func TestALinkStaysShutUntilTheLastFaultThatShutsItEnds(t *testing.T) {
	w := newWorld(t, "a")
	w.inject("f1", one, "refuse")
	w.inject("f2", one, "block_new")
	w.end("f1")
	if !refused(w, "a") {
		t.Error("the first end opened the link")
	}
	w.end("f2")
	w.connect("a")
}

// deafServer gives an address at which a dial hangs: a listener that does not accept, its queue full. Accepting goes on when it is
// told to listen, and dials fail after it is closed.
func deafServer(w *world) (address string, fd int) {
	w.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	w.must(err)
	w.must(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	w.must(unix.Listen(fd, 0))
	name, err := unix.Getsockname(fd)
	w.must(err)
	address = fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address, fd
		}
		w.Cleanup(func() { c.Close() })
	}
	w.Fatal("the queue does not fill")
	return "", 0
}

// dialDeaf makes a link to a deaf server, and a client for which the link's accept loop dials it.
func dialDeaf(w *world) (client *end, fd int) {
	w.Helper()
	deaf, fd := deafServer(w)
	w.call("PUT", "/lab/links", linksRequest{Links: []linkSpec{{"dead", "127.0.0.1:0", deaf}}}, http.StatusOK, nil)
	client = w.dial("dead")
	w.until("the accept loop has taken the client", func() bool { return w.link("dead").Waiting == 0 })
	return client, fd
}

func TestAServerThatDoesNotAnswerADialHoldsNothingUp(t *testing.T) {
	w := newWorld(t, "a")
	_, fd := dialDeaf(w)
	start := time.Now()
	w.inject("f", []string{"a", "dead"}, "refuse")
	if !refused(w, "dead") || !refused(w, "a") {
		t.Error("a link is open")
	}
	w.end("f")
	w.connect("a")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	w.must(unix.Close(fd))
	w.until("the link opens by itself", func() bool { return w.link("dead").Enabled })
	w.inject("g", []string{"dead"}, "refuse")
	if !refused(w, "dead") {
		t.Error("the next fault left the link open")
	}
}

func TestAConnectionThatWasBeingOpenedWhenTheLinkWasRefusedEndsToo(t *testing.T) {
	w := newWorld(t)
	client, fd := dialDeaf(w)
	w.inject("f", []string{"dead"}, "refuse")
	listener, err := net.FileListener(os.NewFile(uintptr(fd), "deaf"))
	w.must(err)
	defer listener.Close()
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
		}
	}()
	if _, err := client.rest(); err != nil {
		t.Error("expected FIN, got", err)
	}
	if n := w.link("dead").Accepted; n != 1 {
		t.Errorf("%d connections were opened", n)
	}
}

func TestALinkIsShutWhenTheCallThatShutsItReturns(t *testing.T) {
	w := newWorld(t, "a")
	l := w.lab.registry.get("a")
	// With one processor nothing else of ours runs before the connection is tried: it is the call that shuts, not what follows it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	address := w.address("a")
	for range 100 {
		rest, err := l.door.shut(l.proxy, "f", func() {})
		w.must(err)
		open := !refusedAt(address)
		w.must(rest())
		if open {
			t.Fatal("the link is open")
		}
		w.must(l.door.unshut(l.proxy, "f"))
	}
}

func TestALinkWhosePortWasTakenMeanwhileOpensWhenItIsFree(t *testing.T) {
	w := newWorld(t, "a")
	address := w.address("a")
	w.inject("f", one, "block_new")
	thief, err := net.Listen("tcp", address)
	w.must(err)
	if v := w.end("f"); !strings.Contains(v.Links[0].Problem, "address already in use") {
		t.Errorf("the ended fault is %+v", v)
	}
	w.must(thief.Close())
	w.until("the link opens by itself", func() bool { return w.link("a").Enabled })
	w.connect("a")
}

func TestALinkThatWasDisabledBeforeAFaultShutItStaysSoUntilHealed(t *testing.T) {
	w := newWorld(t, "a")
	w.call("POST", "/proxies/a", map[string]any{"enabled": false}, http.StatusOK, nil)
	w.inject("f", one, "refuse")
	w.end("f")
	if !refused(w, "a") {
		t.Error("the end of the fault opened a link that it had not shut")
	}
	w.call("POST", "/lab/heal", nil, http.StatusOK, nil)
	w.connect("a")
}
