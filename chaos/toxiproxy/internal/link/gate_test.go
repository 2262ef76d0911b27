package link_test

import (
	"runtime"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
)

func TestALinkIsShutWhenTheCallThatShutsItReturns(t *testing.T) {
	h := labtest.New(t, "a")
	l := h.Server.Links.Get("a")
	// With one processor nothing else of ours runs before the connection is tried: it is the call that shuts, not what follows it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	address := h.Address("a")
	for range 100 {
		rest, err := l.Gate.Close(l.Proxy, "f", func() {})
		h.Must(err)
		open := !labtest.Refused(address)
		h.Must(rest())
		if open {
			t.Fatal("the link is open")
		}
		h.Must(l.Gate.Open(l.Proxy, "f"))
	}
}
