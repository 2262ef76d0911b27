package fault_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/problem"
)

func TestAFaultBeginsOnAllItsLinksAndNotBeforeItsTime(t *testing.T) {
	links := labtest.Names(50)
	h := labtest.New(t, links...)
	for _, action := range []string{"block_new", "refuse", "cut", "reset"} {
		begin := clock.MonoNs() + int64(100*time.Millisecond)
		var v fault.View
		h.Call("POST", "/lab/faults", fault.Request{
			ID: "f", Links: links, Action: action, LeaseMs: 60_000, BeginAtMonoNs: begin,
		}, http.StatusCreated, &v)
		h.End("f")
		if v.BeganAtMonoNs < begin || len(v.Links) != len(links) {
			t.Errorf("%s: began %d ns early, on %d links", action, begin-v.BeganAtMonoNs, len(v.Links))
		}
	}
}

func TestAFaultHitsItsLinksAndNoOthers(t *testing.T) {
	h := labtest.New(t, "a", "b")
	a, aServer := h.Connect("a")
	b, bServer := h.Connect("b")
	v := h.Inject("f", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	if len(v.Links) != 1 || v.Links[0].Link != "a" || v.Links[0].ConnectionsHit != 1 || !v.Links[0].Present || v.State != "on" {
		t.Errorf("the fault is %+v", v)
	}
	a.Send([]byte("held"))
	b.Send([]byte("passes"))
	bServer.Expect([]byte("passes"))
	aServer.Silent(50 * time.Millisecond)
	if faults := h.Link("a").Faults; len(faults) != 1 || faults[0] != "f" {
		t.Errorf("the link's faults are %v", faults)
	}
	h.End("f")
	aServer.Expect([]byte("held"))
}

func TestAFaultWithALinkThatIsNotThereTouchesNone(t *testing.T) {
	h := labtest.New(t, "a")
	var answer problem.Details
	request := fault.Request{ID: "f", Links: []string{"a", "nowhere"}, Action: "cut", LeaseMs: 1000}
	h.Call("POST", "/lab/faults", request, http.StatusNotFound, &answer)
	if answer.Links["nowhere"] != "no such link" || answer.Links["a"] != "" {
		t.Errorf("answered %+v", answer)
	}
	h.Call("GET", "/lab/faults/f", nil, http.StatusNotFound, nil)
}

func TestWhenOneLinkFailsTheFaultIsUndoneOnAll(t *testing.T) {
	h := labtest.New(t, "a", "b")
	client, server := h.Connect("a")
	// A stock toxic of the name that the fault will use on b makes b fail, after a was armed.
	h.Call("POST", "/proxies/b/toxics", map[string]any{"name": "f.1.latency_upstream", "type": "latency"}, http.StatusOK, nil)
	var answer problem.Details
	h.Call("POST", "/lab/faults", fault.Request{
		ID: "f", Links: []string{"a", "b"}, Action: "refuse", LeaseMs: 1000,
		Toxics: []fault.ToxicSpec{labtest.Toxic("hold", "upstream", nil), labtest.Toxic("latency", "upstream", map[string]any{"latency": 10_000})},
	}, http.StatusServiceUnavailable, &answer)
	if !strings.Contains(answer.Links["b"], "already exists") || len(answer.Links) != 1 {
		t.Errorf("answered %+v", answer)
	}
	if a := h.Link("a"); len(a.Toxics) > 0 || !a.Enabled {
		t.Errorf("left on a: %+v", a)
	}
	client.Send([]byte("untouched"))
	server.Expect([]byte("untouched"))
}

func TestALeaseThatRunsOutHealsByItself(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	request := fault.Request{ID: "f", Links: labtest.A, Toxics: []fault.ToxicSpec{labtest.Toxic("hold", "upstream", nil)}, Action: "block_new", LeaseMs: 200}
	h.Call("POST", "/lab/faults", request, http.StatusCreated, nil)
	client.Send([]byte("held"))
	server.Expect([]byte("held"))
	h.Until("the link is clean", func() bool { l := h.Link("a"); return l.Enabled && len(l.Toxics) == 0 })
	v := h.Fault("f")
	held := time.Duration(v.EndedAtMonoNs - v.BeganAtMonoNs)
	if v.State != "ended" || v.EndedBecause != "lease" || held < 200*time.Millisecond {
		t.Errorf("the fault is %s because %s after %s", v.State, v.EndedBecause, held)
	}
	h.Call("POST", "/lab/faults/f/renew", api.RenewRequest{LeaseMs: 1000}, http.StatusGone, nil)
}

func TestARenewedLeaseLastsLonger(t *testing.T) {
	h := labtest.New(t, "a")
	h.Call("POST", "/lab/faults", fault.Request{ID: "f", Links: labtest.A, Action: "block_new", LeaseMs: 300}, http.StatusCreated, nil)
	for range 6 {
		time.Sleep(100 * time.Millisecond)
		var v fault.View
		h.Call("POST", "/lab/faults/f/renew", api.RenewRequest{LeaseMs: 300}, http.StatusOK, &v)
		if v.State != "on" {
			t.Fatal("the fault ended while it was renewed")
		}
	}
	h.Until("the lease runs out when it is renewed no more", func() bool { return h.Fault("f").EndedBecause == "lease" })
	h.Call("POST", "/lab/faults/nothing/renew", api.RenewRequest{LeaseMs: 300}, http.StatusNotFound, nil)
	h.Call("POST", "/lab/faults/f/renew", api.RenewRequest{LeaseMs: 1}, http.StatusBadRequest, nil)
}

func TestEndingAFaultTwiceGivesTheSameAnswer(t *testing.T) {
	h := labtest.New(t, "a")
	h.Inject("f", labtest.A, "refuse")
	first, second := h.End("f"), h.End("f")
	if first.EndedAtMonoNs == 0 || first.EndedAtMonoNs != second.EndedAtMonoNs || second.EndedBecause != "deleted" {
		t.Errorf("first %+v, then %+v", first, second)
	}
	h.Inject("f", labtest.A, "refuse")
	h.Call("POST", "/lab/faults", fault.Request{ID: "f", Links: labtest.A, Action: "cut", LeaseMs: 1000}, http.StatusConflict, nil)
}

func TestAFaultEndedBeforeItsTimeNeverBegins(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	answered := make(chan problem.Details)
	go func() {
		var answer problem.Details
		h.Call("POST", "/lab/faults", fault.Request{
			ID: "f", Links: labtest.A, Action: "reset", LeaseMs: 1000, BeginAtMonoNs: clock.MonoNs() + int64(15*time.Second),
		}, http.StatusConflict, &answer)
		answered <- answer
	}()
	h.Until("the fault is arming", func() bool { return h.Server.Faults.IsOn("f") })
	var healed fault.HealView
	h.Call("POST", "/lab/heal", nil, http.StatusOK, &healed)
	if answer := <-answered; !strings.Contains(answer.Message, "ended before it began") {
		t.Errorf("answered %+v", answer)
	}
	client.Send([]byte("untouched"))
	server.Expect([]byte("untouched"))
}

func TestHealingTurnsEverythingOff(t *testing.T) {
	h := labtest.New(t, "a", "b", "c")
	client, server := h.Connect("a")
	h.Inject("f1", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	h.Inject("f2", []string{"a", "b"}, "block_new")
	h.Call("POST", "/proxies/c/toxics", map[string]any{"type": "latency"}, http.StatusOK, nil)
	h.Call("POST", "/proxies/c", map[string]any{"enabled": false}, http.StatusOK, nil)
	client.Send([]byte("held"))
	var v fault.HealView
	h.Call("POST", "/lab/heal", nil, http.StatusOK, &v)
	server.Expect([]byte("held"))
	if strings.Join(v.Faults, " ") != "f1 f2" || v.Toxics != 1 || strings.Join(v.Enabled, " ") != "c" || len(v.Stuck) > 0 {
		t.Errorf("healed %+v", v)
	}
	for _, name := range []string{"a", "b", "c"} {
		if l := h.Link(name); !l.Enabled || len(l.Toxics)+len(l.Faults) > 0 {
			t.Errorf("not clean: %+v", l)
		}
		h.Connect(name)
	}
}

func TestALinkThatIsMadeAgainComesBackUnderItsFaults(t *testing.T) {
	h := labtest.New(t, "a")
	address := h.Address("a")
	h.Inject("silent", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	h.Call("DELETE", "/proxies/a", nil, http.StatusNoContent, nil)
	h.Call("POST", "/proxies", map[string]any{"name": "a", "listen": address, "upstream": h.Upstream}, http.StatusCreated, nil)
	client, server := h.Connect("a")
	client.Send([]byte("held"))
	server.Silent(100 * time.Millisecond)
	if v := h.Fault("silent"); !v.Links[0].Present {
		t.Errorf("the fault is %+v", v)
	}
	h.End("silent")
	server.Expect([]byte("held"))

	h.Inject("refused", labtest.A, "refuse")
	h.Call("DELETE", "/proxies/a", nil, http.StatusNoContent, nil)
	h.Call("POST", "/proxies", map[string]any{"name": "a", "listen": address, "upstream": h.Upstream}, http.StatusCreated, nil)
	if c, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		c.Close()
		t.Error("the link made again accepts, under a fault that refuses:", err)
	}
	h.End("refused")
	h.Connect("a")
}

func TestAFaultThatTheStockAPITookAwayIsShownAsAbsent(t *testing.T) {
	h := labtest.New(t, "a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	h.Call("POST", "/reset", nil, http.StatusNoContent, nil)
	if h.Fault("f").Links[0].Present {
		t.Error("the fault says it is present")
	}
	if h.End("f").Links[0].Present {
		t.Error("the fault that was taken away says that it was there until its end")
	}
	h.Inject("whole", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	if !h.End("whole").Links[0].Present {
		t.Error("the fault that was not taken away says that it was not there at its end")
	}
	h.End("f")
}
