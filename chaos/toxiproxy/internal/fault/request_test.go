package fault_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/problem"
)

func TestARequestThatIsWrongIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	h := labtest.New(t, "a")
	hold := labtest.Toxic("hold", "both", nil)
	for _, c := range []struct {
		request fault.Request
		says    string
	}{
		{fault.Request{ID: "a b", Links: labtest.A, Action: "cut", LeaseMs: 1000}, "id must be"},
		{fault.Request{ID: "f", Action: "cut", LeaseMs: 1000}, "links must name"},
		{fault.Request{ID: "f", Links: []string{"a", "a"}, Action: "cut", LeaseMs: 1000}, "twice"},
		{fault.Request{ID: "f", Links: labtest.A, Action: "explode", LeaseMs: 1000}, "action must be"},
		{fault.Request{ID: "f", Links: labtest.A, LeaseMs: 1000}, "needs toxics or an action"},
		{fault.Request{ID: "f", Links: labtest.A, Action: "cut"}, "lease_ms must be"},
		{fault.Request{ID: "f", Links: labtest.A, Action: "cut", LeaseMs: 1000, BeginAtMonoNs: clock.MonoNs() + int64(time.Minute)}, "at most 20s ahead"},
		{fault.Request{ID: "f", Links: labtest.A, LeaseMs: 1000, Toxics: make([]fault.ToxicSpec, 17)}, "at most 16"},
		{fault.Request{ID: "f", Links: labtest.A, LeaseMs: 1000, Toxics: []fault.ToxicSpec{hold, {Type: "x"}}}, "toxics[1].type"},
	} {
		var answer problem.Details
		h.Call("POST", "/lab/faults", c.request, http.StatusBadRequest, &answer)
		if !strings.Contains(answer.Message, c.says) || answer.Status != 400 {
			t.Errorf("%q does not say %q", answer.Message, c.says)
		}
	}
	var answer problem.Details
	h.Call("POST", "/lab/faults", map[string]any{"id": "f", "lease": 10}, http.StatusBadRequest, &answer)
	if !strings.Contains(answer.Message, `unknown field "lease"`) {
		t.Errorf("answered %q", answer.Message)
	}
	h.Call("POST", "/lab/faults", "text", http.StatusBadRequest, nil)
	if l := h.Link("a"); len(l.Toxics)+len(l.Faults) > 0 {
		t.Errorf("left: %+v", l)
	}
}

func TestAToxicityIsAShare(t *testing.T) {
	h := labtest.New(t, "a")
	wanted := labtest.Toxic("hold", "both", nil)
	for share, status := range map[float64]int{-0.1: 400, 1.1: 400, 0: 201, 1: 201} {
		wanted.Toxicity = &share
		h.Call("POST", "/lab/faults", fault.Request{ID: fmt.Sprintf("f%d", int(share)), Links: labtest.A, Toxics: []fault.ToxicSpec{wanted}, LeaseMs: 1000}, status, nil)
	}
}

func TestWrongAttributesAreRefusedWithTheirName(t *testing.T) {
	h := labtest.New(t, "a")
	for _, c := range []struct {
		toxic fault.ToxicSpec
		says  string
	}{
		{labtest.Toxic("corrupt", "upstream", map[string]any{"rate_per_byte": 2}), "rate_per_byte must be between 0 and 1, not 2"},
		{labtest.Toxic("corrupt", "upstream", map[string]any{"rate": 0.1}), `unknown field \"rate\"`},
		{labtest.Toxic("corrupt", "upstream", map[string]any{"rate_per_byte": "x"}), "rate_per_byte must be of type float64, not string"},
		{labtest.Toxic("corrupt", "upstream", map[string]any{"seed": 1.5}), "seed must be a whole number, not 1.5"},
		{labtest.Toxic("delay", "upstream", map[string]any{"mean_ms": -1}), "mean_ms must be between"},
		{labtest.Toxic("throttle", "upstream", nil), "rate_bytes_per_s must be between"},
		{labtest.Toxic("fragment", "upstream", nil), "size_bytes must be at least 1"},
		{labtest.Toxic("drop", "upstream", map[string]any{"probability": 1.1}), "probability must be between"},
		{labtest.Toxic("truncate", "upstream", map[string]any{"mode": "half"}), "mode must be bytes or mid_frame"},
		{labtest.Toxic("fail_first", "upstream", nil), "connections must be at least 1"},
		{labtest.Toxic("reject", "upstream", map[string]any{"status": 200}), "status must be between 400 and 599"},
		{labtest.Toxic("reject", "downstream", nil), "stream must be upstream"},
		{labtest.Toxic("packet_loss", "upstream", nil), "there is no toxic"},
		{labtest.Toxic("hold", "sideways", nil), "stream must be upstream, downstream or both"},
	} {
		var answer problem.Details
		h.Call("POST", "/lab/faults", fault.Request{ID: "f", Links: labtest.A, Toxics: []fault.ToxicSpec{c.toxic}, LeaseMs: 1000}, 400, &answer)
		if !strings.Contains(answer.Message, strings.ReplaceAll(c.says, `\"`, `"`)) {
			t.Errorf("%s: %q does not say %q", c.toxic.Type, answer.Message, c.says)
		}
	}
	if names := h.Link("a").Toxics; len(names) > 0 {
		t.Errorf("left on the link: %v", names)
	}
}
