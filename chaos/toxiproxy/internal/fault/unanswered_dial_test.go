package fault_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
)

// deafServer gives an address at which a dial hangs: a listener that does not accept, its queue full. Accepting goes on when it
// listens, and dials fail after it is closed.
func deafServer(h *labtest.Harness) (address string, fd int) {
	h.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	h.Must(err)
	h.Must(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	h.Must(unix.Listen(fd, 0))
	name, err := unix.Getsockname(fd)
	h.Must(err)
	address = fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for range 8 {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address, fd
		}
		h.Cleanup(func() { c.Close() })
	}
	h.Fatal("the queue does not fill")
	return "", 0
}

// dialDeaf makes a link to a deaf server, and a client for which the link's accept loop dials it.
func dialDeaf(h *labtest.Harness) (client *labtest.Peer, fd int) {
	h.Helper()
	deaf, fd := deafServer(h)
	h.Call("PUT", "/lab/links", api.LinksRequest{Links: []link.Spec{{Name: "dead", Listen: "127.0.0.1:0", Upstream: deaf}}}, http.StatusOK, nil)
	client = h.Dial("dead")
	h.Until("the accept loop has taken the client", func() bool { return h.Link("dead").Waiting == 0 })
	return client, fd
}

func TestAServerThatDoesNotAnswerADialHoldsNothingUp(t *testing.T) {
	h := labtest.New(t, "a")
	_, fd := dialDeaf(h)
	start := time.Now()
	h.Inject("f", []string{"a", "dead"}, "refuse")
	if !h.Refused("dead") || !h.Refused("a") {
		t.Error("a link is open")
	}
	h.End("f")
	h.Connect("a")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	h.Must(unix.Close(fd))
	h.Until("the link opens by itself", func() bool { return h.Link("dead").Enabled })
	h.Inject("g", []string{"dead"}, "refuse")
	if !h.Refused("dead") {
		t.Error("the next fault left the link open")
	}
}

func TestAConnectionThatWasBeingOpenedWhenTheLinkWasRefusedEndsToo(t *testing.T) {
	h := labtest.New(t)
	client, fd := dialDeaf(h)
	h.Inject("f", []string{"dead"}, "refuse")
	listener, err := net.FileListener(os.NewFile(uintptr(fd), "deaf"))
	h.Must(err)
	defer listener.Close()
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
		}
	}()
	client.ExpectEnd(nil)
	if n := h.Link("dead").Accepted; n != 1 {
		t.Errorf("%d connections were opened", n)
	}
}
