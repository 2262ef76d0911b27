package link_test

import (
	"syscall"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
)

func TestAnEndIsOnTheWireBeforeTheCallThatSendsItReturns(t *testing.T) {
	h := labtest.New(t, "a")
	for _, c := range []struct {
		send func(*link.Connection) (bool, func())
		want error
	}{{(*link.Connection).SendRST, syscall.ECONNRESET}, {(*link.Connection).SendFIN, nil}} {
		client, server := h.Connect("a")
		live, rest := c.send(h.Server.Links.Get("a").Connections()[0])
		if !live {
			t.Error("the connection was not live")
		}
		for _, e := range []*labtest.Peer{client, server} {
			e.ExpectEnd(c.want)
		}
		rest()
		client.Close()
		server.Close()
		h.Until("the connection is forgotten", func() bool { return len(h.Server.Links.Get("a").Connections()) == 0 })
	}
}
