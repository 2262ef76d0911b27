package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("worker-%d", i+1)
	}
	return names
}

func TestAFaultBeginsOnAllItsLinksAndNotBeforeItsTime(t *testing.T) {
	links := many(50)
	w := newWorld(t, links...)
	for _, action := range []string{"block_new", "refuse", "cut", "reset"} {
		begin := monoNs() + int64(100*time.Millisecond)
		var v faultView
		w.call("POST", "/lab/faults", faultRequest{
			ID: "f", Links: links, Action: action, LeaseMs: 60_000, BeginAtMonoNs: begin,
		}, http.StatusCreated, &v)
		w.end("f")
		if v.BeganAtMonoNs < begin || len(v.Links) != len(links) {
			t.Errorf("%s: began %d ns early, on %d links", action, begin-v.BeganAtMonoNs, len(v.Links))
		}
	}
}

func TestAFaultHitsItsLinksAndNoOthers(t *testing.T) {
	w := newWorld(t, "a", "b")
	a, aServer := w.connect("a")
	b, bServer := w.connect("b")
	v := w.inject("f", one, "none", aToxic("hold", "upstream", nil))
	if len(v.Links) != 1 || v.Links[0].Link != "a" || v.Links[0].ConnectionsHit != 1 || !v.Links[0].Present || v.State != "on" {
		t.Errorf("the fault is %+v", v)
	}
	a.send([]byte("held"))
	b.send([]byte("passes"))
	bServer.expect([]byte("passes"))
	aServer.silent(50 * time.Millisecond)
	if faults := w.link("a").Faults; len(faults) != 1 || faults[0] != "f" {
		t.Errorf("the link's faults are %v", faults)
	}
	w.end("f")
	aServer.expect([]byte("held"))
}

func TestAFaultWithALinkThatIsNotThereTouchesNone(t *testing.T) {
	w := newWorld(t, "a")
	var answer problem
	request := faultRequest{ID: "f", Links: []string{"a", "nowhere"}, Action: "cut", LeaseMs: 1000}
	w.call("POST", "/lab/faults", request, http.StatusNotFound, &answer)
	if answer.Links["nowhere"] != "no such link" || answer.Links["a"] != "" {
		t.Errorf("answered %+v", answer)
	}
	w.call("GET", "/lab/faults/f", nil, http.StatusNotFound, nil)
}

func TestWhenOneLinkFailsTheFaultIsUndoneOnAll(t *testing.T) {
	w := newWorld(t, "a", "b")
	client, server := w.connect("a")
	// A stock toxic of the name that the fault will use on b makes b fail, after a was armed.
	w.call("POST", "/proxies/b/toxics", map[string]any{"name": "f.1.latency_upstream", "type": "latency"}, http.StatusOK, nil)
	var answer problem
	w.call("POST", "/lab/faults", faultRequest{
		ID: "f", Links: []string{"a", "b"}, Action: "refuse", LeaseMs: 1000,
		Toxics: []toxicJSON{aToxic("hold", "upstream", nil), aToxic("latency", "upstream", map[string]any{"latency": 10_000})},
	}, http.StatusServiceUnavailable, &answer)
	if !strings.Contains(answer.Links["b"], "already exists") || len(answer.Links) != 1 {
		t.Errorf("answered %+v", answer)
	}
	if a := w.link("a"); len(a.Toxics) > 0 || !a.Enabled {
		t.Errorf("left on a: %+v", a)
	}
	client.send([]byte("untouched"))
	server.expect([]byte("untouched"))
}

func TestALeaseThatRunsOutHealsByItself(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	request := faultRequest{ID: "f", Links: one, Toxics: []toxicJSON{aToxic("hold", "upstream", nil)}, Action: "block_new", LeaseMs: 200}
	w.call("POST", "/lab/faults", request, http.StatusCreated, nil)
	client.send([]byte("held"))
	server.expect([]byte("held"))
	w.until("the link is clean", func() bool { l := w.link("a"); return l.Enabled && len(l.Toxics) == 0 })
	v := w.fault("f")
	held := time.Duration(v.EndedAtMonoNs - v.BeganAtMonoNs)
	if v.State != "ended" || v.EndedBecause != "lease" || held < 200*time.Millisecond {
		t.Errorf("the fault is %s because %s after %s", v.State, v.EndedBecause, held)
	}
	w.call("POST", "/lab/faults/f/renew", renewRequest{1000}, http.StatusGone, nil)
}

func TestARenewedLeaseLastsLonger(t *testing.T) {
	w := newWorld(t, "a")
	w.call("POST", "/lab/faults", faultRequest{ID: "f", Links: one, Action: "block_new", LeaseMs: 300}, http.StatusCreated, nil)
	for range 6 {
		time.Sleep(100 * time.Millisecond)
		var v faultView
		w.call("POST", "/lab/faults/f/renew", renewRequest{300}, http.StatusOK, &v)
		if v.State != "on" {
			t.Fatal("the fault ended while it was renewed")
		}
	}
	w.until("the lease runs out when it is renewed no more", func() bool { return w.fault("f").EndedBecause == "lease" })
	w.call("POST", "/lab/faults/nothing/renew", renewRequest{300}, http.StatusNotFound, nil)
	w.call("POST", "/lab/faults/f/renew", renewRequest{1}, http.StatusBadRequest, nil)
}

func TestEndingAFaultTwiceGivesTheSameAnswer(t *testing.T) {
	w := newWorld(t, "a")
	w.inject("f", one, "refuse")
	first, second := w.end("f"), w.end("f")
	if first.EndedAtMonoNs == 0 || first.EndedAtMonoNs != second.EndedAtMonoNs || second.EndedBecause != "deleted" {
		t.Errorf("first %+v, then %+v", first, second)
	}
	w.inject("f", one, "refuse")
	w.call("POST", "/lab/faults", faultRequest{ID: "f", Links: one, Action: "cut", LeaseMs: 1000}, http.StatusConflict, nil)
}

func TestAFaultEndedBeforeItsTimeNeverBegins(t *testing.T) {
	w := newWorld(t, "a")
	client, server := w.connect("a")
	answered := make(chan problem)
	go func() {
		var answer problem
		w.call("POST", "/lab/faults", faultRequest{
			ID: "f", Links: one, Action: "reset", LeaseMs: 1000, BeginAtMonoNs: monoNs() + int64(15*time.Second),
		}, http.StatusConflict, &answer)
		answered <- answer
	}()
	w.until("the fault is arming", func() bool { return w.lab.isOn("f") })
	var healed healView
	w.call("POST", "/lab/heal", nil, http.StatusOK, &healed)
	if answer := <-answered; !strings.Contains(answer.Message, "ended before it began") {
		t.Errorf("answered %+v", answer)
	}
	client.send([]byte("untouched"))
	server.expect([]byte("untouched"))
}

func TestHealingTurnsEverythingOff(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	client, server := w.connect("a")
	w.inject("f1", one, "none", aToxic("hold", "upstream", nil))
	w.inject("f2", []string{"a", "b"}, "block_new")
	w.call("POST", "/proxies/c/toxics", map[string]any{"type": "latency"}, http.StatusOK, nil)
	w.call("POST", "/proxies/c", map[string]any{"enabled": false}, http.StatusOK, nil)
	client.send([]byte("held"))
	var v healView
	w.call("POST", "/lab/heal", nil, http.StatusOK, &v)
	server.expect([]byte("held"))
	if strings.Join(v.Faults, " ") != "f1 f2" || v.Toxics != 1 || strings.Join(v.Enabled, " ") != "c" || len(v.Stuck) > 0 {
		t.Errorf("healed %+v", v)
	}
	for _, name := range []string{"a", "b", "c"} {
		if l := w.link(name); !l.Enabled || len(l.Toxics)+len(l.Faults) > 0 {
			t.Errorf("not clean: %+v", l)
		}
		w.connect(name)
	}
}

func TestALinkThatIsMadeAgainComesBackUnderItsFaults(t *testing.T) {
	w := newWorld(t, "a")
	address := w.address("a")
	w.inject("silent", one, "none", aToxic("hold", "upstream", nil))
	w.call("DELETE", "/proxies/a", nil, http.StatusNoContent, nil)
	w.call("POST", "/proxies", map[string]any{"name": "a", "listen": address, "upstream": w.server.Addr().String()}, http.StatusCreated, nil)
	client, server := w.connect("a")
	client.send([]byte("held"))
	server.silent(100 * time.Millisecond)
	if v := w.fault("silent"); !v.Links[0].Present {
		t.Errorf("the fault is %+v", v)
	}
	w.end("silent")
	server.expect([]byte("held"))

	w.inject("refused", one, "refuse")
	w.call("DELETE", "/proxies/a", nil, http.StatusNoContent, nil)
	w.call("POST", "/proxies", map[string]any{"name": "a", "listen": address, "upstream": w.server.Addr().String()}, http.StatusCreated, nil)
	if c, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		c.Close()
		t.Error("the link made again accepts, under a fault that refuses:", err)
	}
	w.end("refused")
	w.connect("a")
}

func TestAFaultThatTheStockAPITookAwayIsShownAsAbsent(t *testing.T) {
	w := newWorld(t, "a")
	w.inject("f", one, "none", aToxic("hold", "upstream", nil))
	w.call("POST", "/reset", nil, http.StatusNoContent, nil)
	if w.fault("f").Links[0].Present {
		t.Error("the fault says it is present")
	}
	if w.end("f").Links[0].Present {
		t.Error("the fault that was taken away says that it was there until its end")
	}
	w.inject("whole", one, "none", aToxic("hold", "upstream", nil))
	if !w.end("whole").Links[0].Present {
		t.Error("the fault that nobody took away says that it was not there at its end")
	}
	w.end("f")
}

func TestARequestThatIsWrongIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	w := newWorld(t, "a")
	hold := aToxic("hold", "both", nil)
	for _, c := range []struct {
		request faultRequest
		says    string
	}{
		{faultRequest{ID: "a b", Links: one, Action: "cut", LeaseMs: 1000}, "id must be"},
		{faultRequest{ID: "f", Action: "cut", LeaseMs: 1000}, "links must name"},
		{faultRequest{ID: "f", Links: []string{"a", "a"}, Action: "cut", LeaseMs: 1000}, "twice"},
		{faultRequest{ID: "f", Links: one, Action: "explode", LeaseMs: 1000}, "action must be"},
		{faultRequest{ID: "f", Links: one, LeaseMs: 1000}, "needs toxics or an action"},
		{faultRequest{ID: "f", Links: one, Action: "cut"}, "lease_ms must be"},
		{faultRequest{ID: "f", Links: one, Action: "cut", LeaseMs: 1000, BeginAtMonoNs: monoNs() + int64(time.Minute)}, "at most 20s ahead"},
		{faultRequest{ID: "f", Links: one, LeaseMs: 1000, Toxics: make([]toxicJSON, 17)}, "at most 16"},
		{faultRequest{ID: "f", Links: one, LeaseMs: 1000, Toxics: []toxicJSON{hold, {Type: "x"}}}, "toxics[1].type"},
	} {
		var answer problem
		w.call("POST", "/lab/faults", c.request, http.StatusBadRequest, &answer)
		if !strings.Contains(answer.Message, c.says) || answer.Status != 400 {
			t.Errorf("%q does not say %q", answer.Message, c.says)
		}
	}
	var answer problem
	w.call("POST", "/lab/faults", map[string]any{"id": "f", "lease": 10}, http.StatusBadRequest, &answer)
	if !strings.Contains(answer.Message, `unknown field "lease"`) {
		t.Errorf("answered %q", answer.Message)
	}
	w.call("POST", "/lab/faults", "text", http.StatusBadRequest, nil)
	if l := w.link("a"); len(l.Toxics)+len(l.Faults) > 0 {
		t.Errorf("left: %+v", l)
	}
}
