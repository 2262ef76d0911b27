package toxic_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
)

func TestTheFirstConnectionsFailAndTheRestDoNot(t *testing.T) {
	h := labtest.New(t, "a")
	live, liveServer := h.Connect("a")
	for _, how := range []string{"fin", "rst"} {
		h.Inject(how, labtest.A, "none", labtest.Toxic("fail_first", "upstream", map[string]any{"connections": 3, "how": how}))
		for range 3 {
			c, err := net.Dial("tcp", h.Address("a"))
			if err == nil {
				_, err = (h.Peer(c)).Rest()
				c.Close()
			}
			h.Arrival()
			if reset := errors.Is(err, syscall.ECONNRESET); reset != (how == "rst") {
				t.Errorf("%s: the connection ended with %v", how, err)
			}
		}
		client, server := h.Connect("a")
		client.Send([]byte("fine"))
		server.Expect([]byte("fine"))
		if n := h.Count(how, "failed_connections"); n != 3 {
			t.Errorf("%d failed connections counted", n)
		}
		h.End(how)
	}
	live.Send([]byte("never noticed"))
	liveServer.Expect([]byte("never noticed"))
}
