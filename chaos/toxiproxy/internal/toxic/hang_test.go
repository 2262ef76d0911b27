package toxic_test

import (
	"net/http"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
)

func TestAToxicOfTheDoorDoesNothingDownstream(t *testing.T) {
	h := labtest.New(t, "a")
	h.Call("POST", "/proxies/a/toxics", map[string]any{"type": "hang", "stream": "downstream"}, http.StatusOK, nil)
	client, server := h.Connect("a")
	server.Send([]byte("passes"))
	client.Expect([]byte("passes"))
}

func TestAHungConnectionIsAcceptedAndNeverAnswered(t *testing.T) {
	h := labtest.New(t, "a")
	live, liveServer := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("hang", "upstream", nil))
	client := h.Dial("a")
	server := h.Arrival()
	client.Send([]byte("GET / HTTP/1.1\r\n\r\n"))
	client.Silent(100 * time.Millisecond)
	server.Silent(50 * time.Millisecond)
	live.Send([]byte("never noticed"))
	liveServer.Expect([]byte("never noticed"))
	h.End("f")
	client.ExpectEnd(nil)
}
