package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/anchor"
	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/journal"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
)

// A line is one of any kind.
type line struct {
	Event      string `json:"event"`
	AtNs       int64  `json:"at_ns"`
	By         string `json:"by"`
	Link       string `json:"link"`
	Name       string `json:"name"`
	Connection int64  `json:"connection"`
	AskedNs    int64  `json:"asked_ns"`
	DiallingNs int64  `json:"dialling_ns"`
	DialledNs  int64  `json:"dialled_ns"`
	Why        string `json:"why"`
	Status     int    `json:"status"`
	WebSocket  bool   `json:"websocket"`
	OpenedNs   int64  `json:"opened_ns"`
	EndedBy    string `json:"ended_by"`
	How        string `json:"how"`
	Client     side   `json:"client"`
	Fault      string `json:"fault"`
	Side       string `json:"side"`
	Bytes      int64  `json:"bytes"`
	Frame      int64  `json:"frame"`
	Exact      bool   `json:"exact"`
	Server     side   `json:"server"`
}

type side struct {
	Bytes     int64  `json:"bytes"`
	FirstNs   int64  `json:"first_ns"`
	LastNs    int64  `json:"last_ns"`
	EndedNs   int64  `json:"ended_ns"`
	How       string `json:"how"`
	CloseCode int    `json:"close_code"`
	Pings     *struct {
		Sent     int64 `json:"sent"`
		Answered int64 `json:"answered"`
	} `json:"pings"`
}

// A journalHarness is a pair whose door writes a journal.
type journalHarness struct {
	*pairHarness
	path string
}

func newJournal(t *testing.T, upstream string) *journalHarness {
	t.Helper()
	h := &journalHarness{&pairHarness{Harness: labtest.New(t)}, filepath.Join(t.TempDir(), "door-db.jsonl")}
	lines, err := journal.Open(h.path)
	h.Must(err)
	t.Cleanup(func() { h.Must(lines.Close("test")) })
	h.Server.Links.Journal = lines
	if upstream == "" {
		upstream = h.Upstream
	}
	h.Must(h.Server.OpenPairs([]link.Spec{{Name: pairName, Listen: "127.0.0.4:0", Upstream: upstream}}))
	var v struct{ Pairs []link.Spec }
	h.Call("GET", "/lab/pairs", nil, 200, &v)
	h.listen = v.Pairs[0].Listen
	return h
}

// text returns the lines that are whole: a write may be under way.
func (h *journalHarness) text() []byte {
	h.Helper()
	text, err := os.ReadFile(h.path)
	h.Must(err)
	return text[:bytes.LastIndexByte(text, '\n')+1]
}

func (h *journalHarness) lines(event string) []line {
	h.Helper()
	found := []line{}
	for text := range bytes.Lines(h.text()) {
		var one line
		h.Must(json.Unmarshal(text, &one))
		if one.Event == event {
			found = append(found, one)
		}
	}
	return found
}

// next returns the only line of its kind, when it is there.
func (h *journalHarness) next(event string) line {
	h.Helper()
	h.Until("a line "+event, func() bool { return len(h.lines(event)) > 0 })
	return h.lines(event)[0]
}

func TestAConnectionsLinesSayWhenItWasAskedForDialledAndCarried(t *testing.T) {
	h := newJournal(t, "")
	before := clock.MonoNs()
	client, server := h.connectFrom(first)
	passes(client, server)
	client.Close()
	opened, ended := h.next("connection_opened"), h.next("connection_ended")
	if opened.By != "door-db" || opened.Link != linkOf(first) || ended.Link != linkOf(first) || opened.Connection != ended.Connection {
		t.Errorf("%+v, %+v", opened, ended)
	}
	times := []int64{
		before, opened.AskedNs, opened.DiallingNs, opened.DialledNs, opened.AtNs, ended.Client.FirstNs, ended.Client.LastNs,
		ended.Server.LastNs, ended.Client.EndedNs, ended.Server.EndedNs, clock.MonoNs(),
	}
	if !slices.IsSorted(times) || ended.OpenedNs != opened.AtNs {
		t.Errorf("times are %v", times)
	}
	if ended.Client.Bytes != 5 || ended.Server.Bytes != 4 || ended.Client.How != "fin" || ended.Server.How != "closed" {
		t.Errorf("%+v, %+v", ended.Client, ended.Server)
	}
}

func TestTheLineOfAnAnchoredFaultSaysAtWhichByteOfWhichConnectionItStruck(t *testing.T) {
	h := newJournal(t, "")
	client, server := h.connectFrom(first)
	var v fault.View
	h.Call("POST", "/lab/faults", fault.Request{
		ID: "f", Links: []string{linkOf(first)}, Action: "reset", LeaseMs: 60_000,
		When: &anchor.Request{Links: []string{linkOf(first)}, Stream: "upstream", Pattern: "COMMIT", Before: true},
	}, 201, &v)
	client.Send([]byte("BEGIN; COMMIT; "))
	if got, err := server.Rest(); string(got) != "BEGIN; COMMI" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server received %q, then %v", got, err)
	}
	opened, struck, ended := h.next("connection_opened"), h.next("fault_struck"), h.next("connection_ended")
	want := line{
		Event: "fault_struck", AtNs: struck.AtNs, By: "door-db", Link: linkOf(first), Connection: opened.Connection,
		Fault: "f", Side: "client", Bytes: int64(len("?BEGIN; COMMI")), Exact: true,
	}
	if struck != want {
		t.Errorf("%+v, expected %+v", struck, want)
	}
	if !slices.IsSorted([]int64{opened.AtNs, struck.AtNs, ended.AtNs}) || ended.EndedBy != "door" || ended.How != "rst" {
		t.Errorf("%+v, %+v, %+v", opened, struck, ended)
	}
	h.Call("GET", "/lab/faults/f", nil, 200, &v)
	if v.Anchor.Struck.Connection != opened.Connection {
		t.Errorf("connection %d in the answer, %d in the journal", v.Anchor.Struck.Connection, opened.Connection)
	}
}

func TestTheSideThatEndsAConnectionFirstEndedIt(t *testing.T) {
	abort := func(e *labtest.Peer) { _ = e.SetLinger(0); e.Close() }
	for _, c := range []struct {
		end     func(h *journalHarness, client, server *labtest.Peer)
		by, how string
	}{
		{func(_ *journalHarness, client, _ *labtest.Peer) { client.Close() }, "client", "fin"},
		{func(_ *journalHarness, _, server *labtest.Peer) { server.Close() }, "server", "fin"},
		{func(_ *journalHarness, client, _ *labtest.Peer) { _ = client.CloseWrite() }, "client", "fin"},
		{func(_ *journalHarness, client, _ *labtest.Peer) { abort(client) }, "client", "rst"},
		{func(_ *journalHarness, _, server *labtest.Peer) { abort(server) }, "server", "rst"},
		{func(h *journalHarness, _, _ *labtest.Peer) { h.Inject("f", []string{linkOf(first)}, "cut") }, "door", "fin"},
		{func(h *journalHarness, _, _ *labtest.Peer) { h.Inject("f", []string{linkOf(first)}, "reset") }, "door", "rst"},
		{func(h *journalHarness, client, _ *labtest.Peer) {
			h.Inject("f", []string{linkOf(first)}, "none", labtest.Toxic("truncate", "upstream", map[string]any{"mode": "bytes", "after_bytes": 2}))
			client.Send([]byte("1234"))
		}, "door", "fin"},
		{func(h *journalHarness, _, _ *labtest.Peer) {
			_, err := h.Server.Links.Get(linkOf(first)).Proxy.Toxics.AddToxicJson(strings.NewReader(`{"type": "timeout", "attributes": {"timeout": 1}}`))
			h.Must(err)
		}, "door", "closed"},
	} {
		h := newJournal(t, "")
		client, server := h.connectFrom(first)
		c.end(h, client, server)
		if ended := h.next("connection_ended"); ended.EndedBy != c.by || ended.How != c.how {
			t.Errorf("by %s with %s, not by %s with %s", ended.EndedBy, ended.How, c.by, c.how)
		}
	}
}

func TestAResetThatMeetsAWriteIsTheClients(t *testing.T) {
	h := newJournal(t, "")
	for range 20 {
		client, server := h.connectFrom(first)
		go server.Write(labtest.Pattern(8 << 20))
		client.Take(1 << 20)
		h.Must(client.SetLinger(0))
		client.Close()
	}
	h.Until("all ended", func() bool { return len(h.lines("connection_ended")) == 20 })
	for _, one := range h.lines("connection_ended") {
		if one.EndedBy != "client" || one.How != "rst" {
			t.Errorf("by %s with %s", one.EndedBy, one.How)
		}
	}
}

func TestAnEndThatAFaultHoldsBackIsThatOfOneSideAlone(t *testing.T) {
	h := newJournal(t, "")
	client, _ := h.connectFrom(first)
	h.Inject("f", []string{linkOf(first)}, "none", labtest.Toxic("hold", "both", nil))
	client.Close()
	var held line
	h.Until("a line of the client's end", func() bool {
		seen := h.lines("connection_seen")
		if len(seen) > 0 {
			held = seen[len(seen)-1]
		}
		return held.Client.How == "fin"
	})
	if held.Server.How != "" || held.Server.EndedNs != 0 || held.EndedBy != "client" {
		t.Errorf("%+v", held)
	}
	h.End("f")
	ended := h.next("connection_ended")
	if ended.Client.EndedNs != held.Client.EndedNs || ended.Server.EndedNs <= held.AtNs || ended.EndedBy != "client" {
		t.Errorf("%+v, then %+v", held, ended)
	}
}

func TestAConnectionThatIsNotCarriedHasALineWithTheCause(t *testing.T) {
	h := newJournal(t, "127.0.0.1:1")
	_ = h.endFrom(first)
	if failed := h.next("connection_failed"); failed.Why != "refused" || failed.DiallingNs < failed.AskedNs || failed.AskedNs == 0 {
		t.Errorf("%+v", failed)
	}
	h = newJournal(t, "")
	h.connectFrom(first)
	h.Inject("f", []string{linkOf(first)}, "block_new")
	_ = h.endFrom(first)
	if failed := h.next("connection_failed"); failed.Why != "closed" || failed.DiallingNs != 0 || failed.Link != linkOf(first) {
		t.Errorf("%+v", failed)
	}
}

func TestAWebSocketsStatusPingsAndCloseCodesAreWrittenAndNoByteDiffers(t *testing.T) {
	h := newJournal(t, "")
	c, err := h.dialFrom(first)
	h.Must(err)
	client, server := h.Peer(c), h.Arrival()
	exchange := func(from, to *labtest.Peer, text string) { from.Send([]byte(text)); to.Expect([]byte(text)) }
	exchange(client, server, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
	exchange(server, client, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n")
	exchange(client, server, "\x89\x81\x00\x00\x00\x00p")
	exchange(server, client, "\x8a\x01p")
	exchange(server, client, "\x88\x02\x03\xe9")
	exchange(client, server, "\x88\x82\x00\x00\x00\x00\x03\xe8")
	server.Close()
	answered, ended := h.next("connection_answered"), h.next("connection_ended")
	if answered.Status != 101 || !answered.WebSocket {
		t.Errorf("%+v", answered)
	}
	if ended.Client.CloseCode != 1000 || ended.Server.CloseCode != 1001 || ended.Client.Pings == nil || ended.Client.Pings.Answered != 1 || ended.Server.Pings != nil {
		t.Errorf("%+v", ended)
	}
}

func TestAConnectionThatLastsHasALineASecondWhileBytesPass(t *testing.T) {
	h := newJournal(t, "")
	client, server := h.connectFrom(first)
	h.connectFrom(second)
	h.Until("a line of each", func() bool { return len(h.lines("connection_seen")) >= 2 })
	begin := time.Now()
	h.Until("three more lines", func() bool {
		passes(client, server)
		return len(h.lines("connection_seen")) >= 5
	})
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("three lines in %s", took)
	}
	for _, one := range h.lines("connection_seen")[2:] {
		if one.Link != linkOf(first) || one.EndedBy != "" {
			t.Errorf("nothing changed on %+v", one)
		}
	}
}

func TestALinksNameInTheSystemIsWritten(t *testing.T) {
	h := newJournal(t, "")
	peers := map[string]any{"peers": []map[string]string{{"pair": pairName, "address": first, "name": "api[2]->db:5432"}}}
	again := map[string]any{"peers": []map[string]string{{"pair": pairName, "address": second, "name": "api[3]->db:5432"}}}
	for _, body := range []any{peers, peers, again} {
		h.Call("PUT", "/lab/peers", body, 200, nil)
	}
	h.Until("both names", func() bool { return len(h.lines("link_named")) >= 2 })
	named := h.lines("link_named")
	if len(named) != 2 || named[0].Link != linkOf(first) || named[0].Name != "api[2]->db:5432" || named[1].Name != "api[3]->db:5432" {
		t.Errorf("%+v", named)
	}
}

func TestWhatIsTooMuchForTheJournalIsCountedInIt(t *testing.T) {
	const many = 20_000
	h := newJournal(t, "")
	for i := range many {
		h.Server.Links.Journal.Failed("a"+strconv.Itoa(i%3), journal.Times{Asked: time.Now()}, "closed", "")
	}
	counted := func() (total int64) {
		for _, one := range h.omitted() {
			total += one.Counts["connection_failed"]
		}
		return total
	}
	h.Until("every line is there or counted", func() bool { return int64(len(h.lines("connection_failed")))+counted() == many })
	if counted() == 0 {
		t.Error("nothing was left out")
	}
}

type omitted struct {
	Event  string           `json:"event"`
	Counts map[string]int64 `json:"counts"`
}

func (h *journalHarness) omitted() []omitted {
	h.Helper()
	found := []omitted{}
	for text := range bytes.Lines(h.text()) {
		var one omitted
		if h.Must(json.Unmarshal(text, &one)); one.Event == "lines_omitted" {
			found = append(found, one)
		}
	}
	return found
}

func TestAnOrdinaryLinksConnectionsAreWrittenToo(t *testing.T) {
	h := newJournal(t, "")
	h.AddLinks("worker-1")
	client, _ := h.Connect("worker-1")
	client.Close()
	if ended := h.next("connection_ended"); ended.Link != "worker-1" || ended.EndedBy != "client" {
		t.Errorf("%+v", ended)
	}
}

func TestTheProbersConnectionsAreNotInTheJournal(t *testing.T) {
	h := newJournal(t, "")
	entry, err := h.Server.OpenProbeEntry("127.0.0.1:0", h.Upstream)
	h.Must(err)
	h.ensure(first)
	probe := (&probeHarness{h.pairHarness, entry.String(), nil}).say(naming(linkOf(first)))
	probe.Expect([]byte("OK\n"))
	passes(probe, h.Arrival())
	probe.Close()
	client, _ := h.connectFrom(first)
	client.Close()
	h.next("connection_ended")
	if opened := h.lines("connection_opened"); len(opened) != 1 || opened[0].AskedNs == 0 {
		t.Errorf("%+v", opened)
	}
}

func TestACloseOfOneEndIsTheDoorsAndTheOtherEndsWithTheFault(t *testing.T) {
	for action, how := range map[string]string{"fin_client": "fin", "rst_client": "rst", "fin_server": "fin", "rst_server": "rst"} {
		h := newJournal(t, "")
		_, _ = h.connectFrom(first)
		h.Inject("f", []string{linkOf(first)}, action)
		sides := func(one line) (closed, open side) {
			if strings.HasSuffix(action, "client") {
				return one.Client, one.Server
			}
			return one.Server, one.Client
		}
		var half line
		h.Until("a line of the closed end", func() bool {
			seen := h.lines("connection_seen")
			if len(seen) > 0 {
				half = seen[len(seen)-1]
			}
			closed, _ := sides(half)
			return closed.How != ""
		})
		if _, open := sides(half); half.EndedBy != "door" || half.How != how || open.How != "" {
			t.Errorf("%s: %+v", action, half)
		}
		h.End("f")
		ended := h.next("connection_ended")
		if _, open := sides(ended); ended.EndedBy != "door" || ended.How != how || open.EndedNs <= half.AtNs {
			t.Errorf("%s: %+v, then %+v", action, half, ended)
		}
	}
}

func TestALockThatIsHeldTooLongIsNoFaultsDoing(t *testing.T) {
	h := newJournal(t, "")
	l := h.Server.Links.Get(h.ensure(first)[0])
	l.Proxy.Lock()
	defer l.Proxy.Unlock()
	c, err := h.dialFrom(first)
	h.Must(err)
	h.Peer(c).ExpectEnd(syscall.ECONNRESET)
	if failed := h.next("connection_failed"); failed.Why != "busy" || failed.DialledNs != 0 {
		t.Errorf("%+v", failed)
	}
}

func TestWhatASilentEndDoesItselfIsNotTheDoors(t *testing.T) {
	h := newJournal(t, "")
	client, server := h.connectFrom(first)
	h.Inject("f", []string{linkOf(first)}, "rst_client")
	client.ExpectEnd(syscall.ECONNRESET)
	h.Must(server.CloseWrite())
	ended := h.next("connection_ended")
	if ended.EndedBy != "door" || ended.How != "rst" || ended.Client.How != "closed" || ended.Server.How != "fin" {
		t.Errorf("%+v", ended)
	}
	if ended.Client.EndedNs > ended.Server.EndedNs {
		t.Errorf("the client ended at %d, after the server at %d", ended.Client.EndedNs, ended.Server.EndedNs)
	}
}

func TestAConnectionTooManyIsNotCarriedUntilAnotherHasEnded(t *testing.T) {
	h := newJournal(t, "")
	h.Server.MaxConnections.Store(2)
	client, _ := h.connectFrom(first)
	h.connectFrom(second)
	if err := h.endFrom(first); !errors.Is(err, syscall.ECONNRESET) {
		t.Error("expected RST, got", err)
	}
	if failed := h.next("connection_failed"); failed.Why != "full" || failed.DiallingNs != 0 {
		t.Errorf("%+v", failed)
	}
	client.Close()
	h.Until("one has ended", func() bool { return h.Server.Links.Connections() == 1 })
	passes(h.connectFrom(first))
}
