package link_test

import (
	"net"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/labtest"
)

func TestADeadAcceptLoopIsRevivedAndLiveConnectionsStay(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	listener := internals.Listener(h.Server.Links.Get("a").Proxy).(*net.TCPListener)
	// Any error ends Toxiproxy's accept loop, a deadline like a want of descriptors.
	h.Must(listener.SetDeadline(time.Now()))
	time.Sleep(20 * time.Millisecond)
	h.Dial("a")
	h.Until("the queue shows it", func() bool { return h.Link("a").Waiting == 1 })
	h.Until("the link accepts again", func() bool {
		c, err := net.Dial("tcp", h.Address("a"))
		if err != nil {
			return false
		}
		defer c.Close()
		select {
		case s := <-h.Arrive:
			defer s.Close()
			// What revives the link tries the server too, with a connection that carries nothing.
			if _, err := c.Write([]byte("new")); err != nil {
				return false
			}
			h.Must(s.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
			n, _ := s.Read(make([]byte, 3))
			return n == 3
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	client.Send([]byte("live"))
	server.Expect([]byte("live"))
}
