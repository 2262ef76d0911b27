package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

func TestMain(m *testing.M) {
	if err := checkInside(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	registerToxics()
	os.Exit(m.Run())
}

// patience is the deadline of every wait; none of them is expected to come near it.
const patience = 10 * time.Second

// A world is a running lab with a server behind its links, on loopback.
type world struct {
	testing.TB
	lab    *lab
	api    string
	server *net.TCPListener
	arrive chan *net.TCPConn
}

func newWorld(t testing.TB, links ...string) *world {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	w := &world{TB: t, lab: newLab(server), arrive: make(chan *net.TCPConn, 1024)}
	watching, stop := context.WithCancel(context.Background())
	go w.lab.watch(watching)
	api := httptest.NewServer(w.lab.routes())
	w.api = api.URL
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	w.server = listener.(*net.TCPListener)
	go w.welcome()
	t.Cleanup(func() {
		w.must(w.lab.server.Collection.Clear())
		api.Close()
		stop()
		listener.Close()
	})
	w.addLinks(links...)
	return w
}

func (w *world) welcome() {
	for {
		c, err := w.server.AcceptTCP()
		if err != nil {
			return
		}
		w.arrive <- c
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) addLinks(names ...string) {
	w.Helper()
	r := linksRequest{}
	for _, name := range names {
		r.Links = append(r.Links, linkSpec{name, "127.0.0.1:0", w.server.Addr().String()})
	}
	w.call("PUT", "/lab/links", r, http.StatusOK, nil)
}

// call makes a request, checks the status and decodes the answer.
func (w *world) call(method, path string, body any, status int, answer any) {
	w.Helper()
	text, err := json.Marshal(body)
	w.must(err)
	request, err := http.NewRequest(method, w.api+path, bytes.NewReader(text))
	w.must(err)
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	w.must(err)
	if response.StatusCode != status {
		w.Fatalf("%s %s answered %d, not %d: %s", method, path, response.StatusCode, status, content)
	}
	if answer != nil {
		w.must(json.Unmarshal(content, answer))
	}
	if v, isFault := answer.(*faultView); isFault {
		w.sound(v)
	}
}

// sound reports where a fault's view contradicts itself: what it says of the whole follows from what it says of each link.
func (w *world) sound(v *faultView) {
	w.Helper()
	var first, last, ended int64
	for _, one := range v.Links {
		if first == 0 || one.BeganAtMonoNs < first {
			first = one.BeganAtMonoNs
		}
		last, ended = max(last, one.BeganAtMonoNs), max(ended, one.EndedAtMonoNs)
		if one.ConnectionsHit < 0 || one.EndedAtMonoNs != 0 && one.EndedAtMonoNs < one.BeganAtMonoNs {
			w.Errorf("link %s of fault %s: %+v", one.Link, v.ID, one)
		}
	}
	if v.BeganAtMonoNs != first || v.SpreadNs != last-first || v.EndedAtMonoNs != ended {
		w.Errorf("links began from %d to %d and ended by %d; the fault is %+v", first, last, ended, *v)
	}
	if isOn := v.State == faultOn; v.LeaseLeftMs < 0 || !isOn && v.LeaseLeftMs != 0 || isOn && v.EndedBecause != "" {
		w.Errorf("fault %s is %s, %d ms of its lease are left, and it ended because of %q", v.ID, v.State, v.LeaseLeftMs, v.EndedBecause)
	}
}

// toxic is one toxic of a fault request.
func aToxic(kind, stream string, attributes map[string]any) toxicJSON {
	text, err := json.Marshal(attributes)
	if err != nil {
		panic(err)
	}
	return toxicJSON{Type: kind, Stream: stream, Attributes: text}
}

// inject begins a fault with a long lease.
func (w *world) inject(id string, links []string, action string, wanted ...toxicJSON) faultView {
	w.Helper()
	var v faultView
	w.call("POST", "/lab/faults", faultRequest{
		ID: id, Links: links, Toxics: wanted, Action: action, LeaseMs: 60_000, Seed: 1,
	}, http.StatusCreated, &v)
	return v
}

func (w *world) end(id string) faultView {
	w.Helper()
	var v faultView
	w.call("DELETE", "/lab/faults/"+id, nil, http.StatusOK, &v)
	return v
}

func (w *world) fault(id string) faultView {
	w.Helper()
	var v faultView
	w.call("GET", "/lab/faults/"+id, nil, http.StatusOK, &v)
	return v
}

// count is a counter of a fault's first toxic on its first link.
func (w *world) count(id, counter string) int64 {
	w.Helper()
	return w.fault(id).Links[0].Toxics[0].Counters[counter]
}

func (w *world) address(link string) string {
	spec, _, _ := w.lab.registry.get(link).look()
	return spec.Listen
}

func (w *world) dial(link string) *end {
	w.Helper()
	c, err := net.DialTimeout("tcp", w.address(link), patience)
	w.must(err)
	w.Cleanup(func() { c.Close() })
	return &end{w, c.(*net.TCPConn)}
}

// connect gives both ends of a new connection through a link, when the link counts it as live.
func (w *world) connect(link string) (client, server *end) {
	w.Helper()
	l := w.lab.registry.get(link)
	before := l.accepted.Load()
	client = w.dial(link)
	server = w.arrival()
	w.until("the connection is live", func() bool { return l.accepted.Load() > before })
	return client, server
}

func (w *world) arrival() *end {
	w.Helper()
	select {
	case c := <-w.arrive:
		w.Cleanup(func() { c.Close() })
		return &end{w, c}
	case <-time.After(patience):
		w.Fatal("no connection reached the server")
		return nil
	}
}

// An end is one side of a connection.
type end struct {
	w *world
	*net.TCPConn
}

func (e *end) send(data []byte) {
	e.w.Helper()
	e.w.must(e.SetWriteDeadline(time.Now().Add(patience)))
	_, err := e.Write(data)
	e.w.must(err)
}

func (e *end) expect(want []byte) {
	e.w.Helper()
	if got := e.take(len(want)); !bytes.Equal(got, want) {
		e.w.Fatalf("received %.80q, not %.80q", got, want)
	}
}

func (e *end) take(n int) []byte {
	e.w.Helper()
	e.w.must(e.SetReadDeadline(time.Now().Add(patience)))
	data := make([]byte, n)
	got, err := io.ReadFull(e, data)
	if err != nil {
		e.w.Fatalf("received %d of %d bytes, then %v", got, n, err)
	}
	return data
}

// silent checks that nothing comes for a while: neither bytes nor an end.
func (e *end) silent(while time.Duration) {
	e.w.Helper()
	e.w.must(e.SetReadDeadline(time.Now().Add(while)))
	n, err := e.Read(make([]byte, 1))
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		e.w.Fatalf("expected silence, got %d bytes and %v", n, err)
	}
}

// rest reads until the connection ends, and gives what came and how it ended: nil for FIN.
func (e *end) rest() ([]byte, error) {
	e.w.Helper()
	e.w.must(e.SetReadDeadline(time.Now().Add(patience)))
	data, err := io.ReadAll(e)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		e.w.Fatalf("the connection did not end (after %d bytes)", len(data))
	}
	return data, err
}

// until waits for a condition.
func (w *world) until(what string, met func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func (w *world) link(name string) linkView {
	w.Helper()
	var v linksView
	w.call("GET", "/lab/links", nil, http.StatusOK, &v)
	for _, l := range v.Links {
		if l.Name == name {
			return l
		}
	}
	w.Fatalf("no link %s", name)
	return linkView{}
}

func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*7 + i/251)
	}
	return data
}
