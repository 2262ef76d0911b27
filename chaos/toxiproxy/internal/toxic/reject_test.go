package toxic_test

import (
	"bufio"
	"net/http"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
)

func TestARejectedHandshakeGetsItsAnswerAndNeverReachesTheServer(t *testing.T) {
	h := labtest.New(t, "a")
	live, liveServer := h.Connect("a")
	for _, attributes := range []map[string]any{{}, {"status": 429, "retry_after_s": 7}} {
		h.Inject("f", labtest.A, "none", labtest.Toxic("reject", "upstream", attributes))
		client := h.Dial("a")
		server := h.Arrival()
		client.Send([]byte("GET / HTTP/1.1\r\nHost: x\r\n"))
		client.Send([]byte("Upgrade: websocket\r\n\r\n"))
		answer, err := http.ReadResponse(bufio.NewReader(client), nil)
		h.Must(err)
		status, after := 503, ""
		if attributes["status"] != nil {
			status, after = 429, "7"
		}
		if answer.StatusCode != status || answer.Header.Get("Retry-After") != after {
			t.Errorf("answered %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
		}
		client.ExpectEnd(nil)
		if data, _ := server.Rest(); len(data) > 0 {
			t.Errorf("the server received %q", data)
		}
		h.End("f")
	}
	live.Send([]byte("never noticed"))
	liveServer.Expect([]byte("never noticed"))
}
