package main

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPuttingTheSameLinksAgainTouchesNone(t *testing.T) {
	w := newWorld(t)
	port := freePort(w)
	put := func(listen string) linksAnswer {
		var answer linksAnswer
		w.call("PUT", "/lab/links", linksRequest{Links: []linkSpec{{"a", listen, w.server.Addr().String()}}}, http.StatusOK, &answer)
		return answer
	}
	if answer := put("0.0.0.0:" + port); len(answer.Created) != 1 {
		t.Errorf("answered %+v", answer)
	}
	client, server := w.connect("a")
	for _, listen := range []string{"0.0.0.0:", "[::]:", ":"} {
		if answer := put(listen + port); len(answer.Kept) != 1 {
			t.Errorf("%s: answered %+v", listen, answer)
		}
	}
	client.send([]byte("undisturbed"))
	server.expect([]byte("undisturbed"))
	if answer := put("127.0.0.1:" + port); len(answer.Replaced) != 1 {
		t.Errorf("answered %+v", answer)
	}
	w.connect("a")
}

func freePort(w *world) string {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	w.must(err)
	return port
}

func TestWhenALinkCannotBeMadeThoseOfTheSameCallAreRemovedAgain(t *testing.T) {
	w := newWorld(t, "kept")
	upstream := w.server.Addr().String()
	var answer problem
	w.call("PUT", "/lab/links", linksRequest{Links: []linkSpec{
		{"kept", "127.0.0.1:0", "127.0.0.1:1"}, {"new", "127.0.0.1:0", upstream}, {"taken", upstream, upstream},
	}}, http.StatusConflict, &answer)
	if !strings.Contains(answer.Links["taken"], "address already in use") {
		t.Errorf("answered %+v", answer)
	}
	if links := w.lab.registry.all(); len(links) != 1 || w.link("kept").Upstream != upstream {
		t.Errorf("%d links are left", len(links))
	}
	w.connect("kept")
}

func TestOtherLinksAreRemovedOnlyWhenAsked(t *testing.T) {
	w := newWorld(t, "a", "b")
	spec := []linkSpec{{"a", w.address("a"), w.server.Addr().String()}}
	var answer linksAnswer
	w.call("PUT", "/lab/links", linksRequest{Links: spec}, http.StatusOK, &answer)
	if len(answer.Removed) > 0 || len(w.lab.registry.all()) != 2 {
		t.Errorf("answered %+v", answer)
	}
	w.call("PUT", "/lab/links", linksRequest{Links: spec, RemoveOthers: true}, http.StatusOK, &answer)
	if len(answer.Removed) != 1 || answer.Removed[0] != "b" {
		t.Errorf("answered %+v", answer)
	}
}

func TestALinkCountsItsConnectionsAndBytesWhileTheyPass(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	w.connect("a")
	client.send(pattern(1000))
	server.expect(pattern(1000))
	server.send(pattern(70_000))
	client.expect(pattern(70_000))
	if l := w.link("a"); l.Connections != 2 || l.Accepted != 2 || l.BytesUpstream != 1000 || l.BytesDownstream != 70_000 || !l.Enabled {
		t.Errorf("the link is %+v", l)
	}
	client.Close()
	w.until("one connection is left", func() bool { return w.link("a").Connections == 1 })
}

func TestALinkOfTheStockAPIIsCountedFromItsFirstConnection(t *testing.T) {
	w := newWorld(t)
	w.call("POST", "/proxies", map[string]any{"name": "a", "listen": "127.0.0.1:0", "upstream": w.server.Addr().String()},
		http.StatusCreated, nil)
	client, server := w.connect("a")
	client.send([]byte("x"))
	server.expect([]byte("x"))
	if l := w.link("a"); l.Accepted != 1 || l.BytesUpstream != 1 {
		t.Errorf("the link is %+v", l)
	}
}

func TestWrongLinksAreRefusedBeforeAnyIsMade(t *testing.T) {
	w := newWorld(t)
	good := linkSpec{"good", "127.0.0.1:0", "127.0.0.1:1"}
	for says, bad := range map[string]linkSpec{
		"links[1].name is missing": {"", "127.0.0.1:0", "127.0.0.1:1"},
		"links[1].listen of x":     {"x", "nowhere", "127.0.0.1:1"},
		"links[1].upstream of x":   {"x", "127.0.0.1:0", "127.0.0.1"},
		"good is given twice":      good,
	} {
		var answer problem
		w.call("PUT", "/lab/links", linksRequest{Links: []linkSpec{good, bad}}, http.StatusBadRequest, &answer)
		if !strings.Contains(answer.Message, says) {
			t.Errorf("%q does not say %q", answer.Message, says)
		}
	}
	if n := len(w.lab.registry.all()); n > 0 {
		t.Errorf("%d links were made", n)
	}
}

func TestAThousandLinksAreMadeInOneCall(t *testing.T) {
	w := newWorld(t)
	start := time.Now()
	w.addLinks(many(1000)...)
	t.Logf("1000 links in %s", time.Since(start))
	if n := len(w.lab.registry.all()); n != 1000 {
		t.Errorf("%d links", n)
	}
}

func TestTheClockIsTheMonotonicClockOfTheHost(t *testing.T) {
	w := newWorld(t)
	before := monoNs()
	var v clockView
	w.call("GET", "/lab/clock", nil, http.StatusOK, &v)
	if after := monoNs(); v.MonoNs < before || v.MonoNs > after {
		t.Errorf("%d is not between %d and %d", v.MonoNs, before, after)
	}
}
