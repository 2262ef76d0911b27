package stage_test

import (
	"net/http"
	"strings"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
)

func TestToxicityIsDrawnOnceAConnectionAndRepeats(t *testing.T) {
	h := labtest.New(t, "a")
	hit := func(id string) (pattern string) {
		half := 0.5
		spec := labtest.Toxic("duplicate", "upstream", map[string]any{"probability": 1})
		spec.Toxicity = &half
		h.Inject(id, labtest.A, "none", spec)
		for range 32 {
			client, server := h.Connect("a")
			client.Send([]byte("x"))
			client.TCPConn.CloseWrite()
			data, _ := server.Rest()
			pattern += strings.Repeat("x", len(data)) + " "
		}
		h.End(id)
		return pattern
	}
	first := hit("f1")
	if doubled := strings.Count(first, "xx"); doubled < 6 || doubled > 26 {
		t.Errorf("half of the connections were to be hit: %s", first)
	}
	if second := hit("f2"); second != first {
		t.Errorf("the same seed hit others: %s and %s", first, second)
	}
}

func TestToxicityOfTheStockAPIIsDrawnOnceAConnectionToo(t *testing.T) {
	h := labtest.New(t, "a")
	hit := func() (pattern string) {
		h.Call("POST", "/proxies/a/toxics", map[string]any{
			"name": "half", "type": "duplicate", "stream": "upstream", "toxicity": 0.5, "attributes": map[string]any{"probability": 1},
		}, http.StatusOK, nil)
		for range 32 {
			client, server := h.Connect("a")
			client.Send([]byte("x"))
			client.TCPConn.CloseWrite()
			data, _ := server.Rest()
			pattern += strings.Repeat("x", len(data)) + " "
		}
		h.Call("DELETE", "/proxies/a/toxics/half", nil, http.StatusNoContent, nil)
		return pattern
	}
	if first, second := hit(), hit(); first != second || strings.Count(first, "xx") < 6 {
		t.Errorf("the same seed hit %s and %s", first, second)
	}
}
