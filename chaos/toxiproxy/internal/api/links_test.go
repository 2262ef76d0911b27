package api_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

func TestPuttingTheSameLinksAgainTouchesNone(t *testing.T) {
	h := labtest.New(t)
	port := freePort(h)
	put := func(listen string) api.LinksAnswer {
		var answer api.LinksAnswer
		h.Call("PUT", "/lab/links", api.LinksRequest{Links: []link.Spec{{Name: "a", Listen: listen, Upstream: h.Upstream}}}, http.StatusOK, &answer)
		return answer
	}
	if answer := put("0.0.0.0:" + port); len(answer.Created) != 1 {
		t.Errorf("answered %+v", answer)
	}
	client, server := h.Connect("a")
	for _, listen := range []string{"0.0.0.0:", "[::]:", ":"} {
		if answer := put(listen + port); len(answer.Kept) != 1 {
			t.Errorf("%s: answered %+v", listen, answer)
		}
	}
	client.Send([]byte("undisturbed"))
	server.Expect([]byte("undisturbed"))
	if answer := put("127.0.0.1:" + port); len(answer.Replaced) != 1 {
		t.Errorf("answered %+v", answer)
	}
	h.Connect("a")
}

func freePort(h *labtest.Harness) string {
	h.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.Must(err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	h.Must(err)
	return port
}

func TestWhenALinkCannotBeMadeThoseOfTheSameCallAreRemovedAgain(t *testing.T) {
	h := labtest.New(t, "kept")
	upstream := h.Upstream
	var answer problem.Details
	h.Call("PUT", "/lab/links", api.LinksRequest{Links: []link.Spec{
		{Name: "kept", Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1"}, {Name: "new", Listen: "127.0.0.1:0", Upstream: upstream}, {Name: "taken", Listen: upstream, Upstream: upstream},
	}}, http.StatusConflict, &answer)
	if !strings.Contains(answer.Links["taken"], "address already in use") {
		t.Errorf("answered %+v", answer)
	}
	if links := h.Server.Links.All(); len(links) != 1 || h.Link("kept").Upstream != upstream {
		t.Errorf("%d links are left", len(links))
	}
	h.Connect("kept")
}

func TestOtherLinksAreRemovedOnlyWhenAsked(t *testing.T) {
	h := labtest.New(t, "a", "b")
	spec := []link.Spec{{Name: "a", Listen: h.Address("a"), Upstream: h.Upstream}}
	var answer api.LinksAnswer
	h.Call("PUT", "/lab/links", api.LinksRequest{Links: spec}, http.StatusOK, &answer)
	if len(answer.Removed) > 0 || len(h.Server.Links.All()) != 2 {
		t.Errorf("answered %+v", answer)
	}
	h.Call("PUT", "/lab/links", api.LinksRequest{Links: spec, RemoveOthers: true}, http.StatusOK, &answer)
	if len(answer.Removed) != 1 || answer.Removed[0] != "b" {
		t.Errorf("answered %+v", answer)
	}
}

func TestALinkCountsItsConnectionsAndBytesWhileTheyPass(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Connect("a")
	client.Send(labtest.Pattern(1000))
	server.Expect(labtest.Pattern(1000))
	server.Send(labtest.Pattern(70_000))
	client.Expect(labtest.Pattern(70_000))
	if l := h.Link("a"); l.Connections != 2 || l.Accepted != 2 || l.BytesUpstream != 1000 || l.BytesDownstream != 70_000 || !l.Enabled {
		t.Errorf("the link is %+v", l)
	}
	client.Close()
	h.Until("one connection is left", func() bool { return h.Link("a").Connections == 1 })
}

func TestALinkOfTheStockAPIIsCountedFromItsFirstConnection(t *testing.T) {
	h := labtest.New(t)
	h.Call("POST", "/proxies", map[string]any{"name": "a", "listen": "127.0.0.1:0", "upstream": h.Upstream},
		http.StatusCreated, nil)
	client, server := h.Connect("a")
	client.Send([]byte("x"))
	server.Expect([]byte("x"))
	if l := h.Link("a"); l.Accepted != 1 || l.BytesUpstream != 1 {
		t.Errorf("the link is %+v", l)
	}
}

func TestWrongLinksAreRefusedBeforeAnyIsMade(t *testing.T) {
	h := labtest.New(t)
	good := link.Spec{Name: "good", Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1"}
	for says, bad := range map[string]link.Spec{
		"links[1].name is missing":                                   {Name: "", Listen: "127.0.0.1:0", Upstream: "127.0.0.1:1"},
		"links[1].listen of x":                                       {Name: "x", Listen: "nowhere", Upstream: "127.0.0.1:1"},
		`links[1].upstream of x must be host:port, not "127.0.0.1"`:  {Name: "x", Listen: "127.0.0.1:0", Upstream: "127.0.0.1"},
		`links[1].upstream of x must be host:port, not "127.0.0.1:"`: {Name: "x", Listen: "127.0.0.1:0", Upstream: "127.0.0.1:"},
		"good is given twice":                                        good,
	} {
		var answer problem.Details
		h.Call("PUT", "/lab/links", api.LinksRequest{Links: []link.Spec{good, bad}}, http.StatusBadRequest, &answer)
		if !strings.Contains(answer.Message, says) {
			t.Errorf("%q does not say %q", answer.Message, says)
		}
	}
	if n := len(h.Server.Links.All()); n > 0 {
		t.Errorf("%d links were made", n)
	}
}

func TestAThousandLinksAreMadeInOneCall(t *testing.T) {
	h := labtest.New(t)
	start := time.Now()
	h.AddLinks(labtest.Names(1000)...)
	t.Logf("1000 links in %s", time.Since(start))
	if n := len(h.Server.Links.All()); n != 1000 {
		t.Errorf("%d links", n)
	}
}
