package link_test

import (
	"net/http"
	"strings"
	"testing"

	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/problem"
)

func TestALinkStuckOnAStockToxicIsNamedAndFreedAndOthersAreSpared(t *testing.T) {
	h := labtest.New(t, "a", "b")
	h.Call("POST", "/proxies/a/toxics", map[string]any{"type": "latency", "attributes": map[string]any{"latency": 1}}, http.StatusOK, nil)
	_, server := h.Connect("a")
	other, otherServer := h.Connect("b")
	server.Stuff()
	var answer problem.Details
	h.Call("POST", "/lab/faults", fault.Request{
		ID: "f", Links: []string{"a", "b"}, Toxics: []fault.ToxicSpec{labtest.Toxic("hold", "both", nil)}, LeaseMs: 60_000,
	}, http.StatusServiceUnavailable, &answer)
	if !strings.Contains(answer.Links["a"], "stuck") || len(answer.Links) != 1 {
		t.Errorf("answered %+v", answer)
	}
	other.Send([]byte("spared"))
	otherServer.Expect([]byte("spared"))
	labtest.Promptly(t, "the next fault", func() { h.Inject("g", []string{"a", "b"}, "none", labtest.Toxic("hold", "both", nil)) })
	h.End("g")
	h.Connect("a")
}
