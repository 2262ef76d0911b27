// Package labtest runs the whole server on loopback for the tests of the other packages.
package labtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/toxic"
)

// Timeout is the deadline of every wait; none of them is expected to come near it.
const Timeout = 10 * time.Second

// A is the links of a fault on link a alone.
var A = []string{"a"}

var register = sync.OnceValue(func() error {
	toxic.Register()
	return internals.Check()
})

// A Harness is a running server, and an upstream server behind its links.
type Harness struct {
	testing.TB
	Server   *api.Server
	URL      string            // Of the HTTP API.
	Upstream string            // The address to which links lead.
	Arrive   chan *net.TCPConn // What the upstream server has accepted.
	listener *net.TCPListener
}

// New starts a server with some links.
func New(t testing.TB, links ...string) *Harness {
	t.Helper()
	return start(t, nil, links)
}

// NewRestricted starts a server whose links may lead only to what allowed returns for the upstream server.
func NewRestricted(t testing.TB, allowed func(upstream string) []string, links ...string) *Harness {
	t.Helper()
	return start(t, allowed, links)
}

func start(t testing.TB, upstreams func(upstream string) []string, links []string) *Harness {
	t.Helper()
	h := &Harness{TB: t, Arrive: make(chan *net.TCPConn, 1024)}
	h.Must(register())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.Must(err)
	h.listener, h.Upstream = listener.(*net.TCPListener), listener.Addr().String()
	stock := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	var allowed []string
	if upstreams != nil {
		allowed = upstreams(h.Upstream)
	}
	h.Server = api.NewServer(stock, allowed...)
	watching, stop := context.WithCancel(context.Background())
	go h.Server.Watch(watching)
	server := httptest.NewServer(h.Server.Routes())
	h.URL = server.URL
	go h.accept()
	t.Cleanup(func() {
		h.Must(stock.Collection.Clear())
		server.Close()
		stop()
		listener.Close()
	})
	h.AddLinks(links...)
	return h
}

func (h *Harness) accept() {
	for {
		c, err := h.listener.AcceptTCP()
		if err != nil {
			return
		}
		h.Arrive <- c
	}
}

// Must fails the test where there is an error.
func (h *Harness) Must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// AddLinks makes links to the upstream server.
func (h *Harness) AddLinks(names ...string) {
	h.Helper()
	r := api.LinksRequest{}
	for _, name := range names {
		r.Links = append(r.Links, link.Spec{Name: name, Listen: "127.0.0.1:0", Upstream: h.Upstream})
	}
	h.Call("PUT", "/lab/links", r, http.StatusOK, nil)
}

// Call makes a request, checks the status and decodes the answer.
func (h *Harness) Call(method, path string, body any, status int, answer any) {
	h.Helper()
	text, err := json.Marshal(body)
	h.Must(err)
	request, err := http.NewRequest(method, h.URL+path, bytes.NewReader(text))
	h.Must(err)
	response, err := http.DefaultClient.Do(request)
	h.Must(err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	h.Must(err)
	if response.StatusCode != status {
		h.Fatalf("%s %s answered %d, not %d: %s", method, path, response.StatusCode, status, content)
	}
	if answer != nil {
		h.Must(json.Unmarshal(content, answer))
	}
	if v, isFault := answer.(*fault.View); isFault {
		h.checkView(v)
	}
}

// checkView reports where a fault's view contradicts itself: what it says of the whole follows from what it says of each link.
func (h *Harness) checkView(v *fault.View) {
	h.Helper()
	var first, last, ended int64
	for _, one := range v.Links {
		if first == 0 || one.BeganAtMonoNs < first {
			first = one.BeganAtMonoNs
		}
		last, ended = max(last, one.BeganAtMonoNs), max(ended, one.EndedAtMonoNs)
		if one.ConnectionsHit < 0 || one.EndedAtMonoNs != 0 && one.EndedAtMonoNs < one.BeganAtMonoNs {
			h.Errorf("link %s of fault %s: %+v", one.Link, v.ID, one)
		}
	}
	if v.BeganAtMonoNs != first || v.SpreadNs != last-first || v.EndedAtMonoNs != ended {
		h.Errorf("links began from %d to %d and ended by %d; the fault is %+v", first, last, ended, *v)
	}
	if isOn := v.State == "on" || v.State == "armed"; v.LeaseLeftMs < 0 || !isOn && v.LeaseLeftMs != 0 || isOn && v.EndedBecause != "" {
		h.Errorf("fault %s is %s, %d ms of its lease are left, and it ended because of %q", v.ID, v.State, v.LeaseLeftMs, v.EndedBecause)
	}
}

// Toxic is one toxic of a fault request.
func Toxic(kind, stream string, attributes map[string]any) fault.ToxicSpec {
	text, err := json.Marshal(attributes)
	if err != nil {
		panic(err)
	}
	return fault.ToxicSpec{Type: kind, Stream: stream, Attributes: text}
}

// Inject begins a fault with a long lease.
func (h *Harness) Inject(id string, links []string, action string, wanted ...fault.ToxicSpec) fault.View {
	h.Helper()
	var v fault.View
	h.Call("POST", "/lab/faults", fault.Request{
		ID: id, Links: links, Toxics: wanted, Action: action, LeaseMs: 60_000, Seed: 1,
	}, http.StatusCreated, &v)
	return v
}

// End ends a fault.
func (h *Harness) End(id string) fault.View {
	h.Helper()
	var v fault.View
	h.Call("DELETE", "/lab/faults/"+id, nil, http.StatusOK, &v)
	return v
}

// Fault returns a fault's view.
func (h *Harness) Fault(id string) fault.View {
	h.Helper()
	var v fault.View
	h.Call("GET", "/lab/faults/"+id, nil, http.StatusOK, &v)
	return v
}

// Count returns a counter of a fault's first toxic on its first link.
func (h *Harness) Count(id, counter string) int64 {
	h.Helper()
	return h.Fault(id).Links[0].Toxics[0].Counters[counter]
}

// Link returns a link's view.
func (h *Harness) Link(name string) link.View {
	h.Helper()
	var v api.LinksView
	h.Call("GET", "/lab/links", nil, http.StatusOK, &v)
	for _, l := range v.Links {
		if l.Name == name {
			return l
		}
	}
	h.Fatalf("no link %s", name)
	return link.View{}
}

// Address returns the address at which a link listens.
func (h *Harness) Address(name string) string {
	spec, _, _ := h.Server.Links.Get(name).Current()
	return spec.Listen
}

// Dial connects a client to a link.
func (h *Harness) Dial(name string) *Peer {
	h.Helper()
	c, err := net.DialTimeout("tcp", h.Address(name), Timeout)
	h.Must(err)
	return h.Peer(c)
}

// DialAgain connects a client from the port of a former one, which has ended.
func (h *Harness) DialAgain(former *Peer, address string) *Peer {
	h.Helper()
	reuse := func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) })
		return errors.Join(err, failed)
	}
	dialer := net.Dialer{LocalAddr: former.LocalAddr(), Control: reuse}
	c, err := dialer.Dial("tcp", address)
	h.Must(err)
	return h.Peer(c)
}

// Connect returns both ends of a new connection through a link, when the link counts it as live.
func (h *Harness) Connect(name string) (client, server *Peer) {
	h.Helper()
	l := h.Server.Links.Get(name)
	before := l.Accepted.Load()
	client = h.Dial(name)
	server = h.Arrival()
	h.Until("the connection is live", func() bool { return l.Accepted.Load() > before })
	return client, server
}

// Arrival returns the next connection that the upstream server accepts.
func (h *Harness) Arrival() *Peer {
	h.Helper()
	select {
	case c := <-h.Arrive:
		return h.Peer(c)
	case <-time.After(Timeout):
		h.Fatal("no connection reached the server")
		return nil
	}
}

// Until waits for a condition.
func (h *Harness) Until(what string, met func() bool) {
	h.Helper()
	for deadline := time.Now().Add(Timeout); !met(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.Fatalf("not within %s: %s", Timeout, what)
		}
	}
}

// Refused returns whether a link refuses connections.
func (h *Harness) Refused(name string) bool { return Refused(h.Address(name)) }

// Refused returns whether an address refuses connections.
func Refused(address string) bool {
	c, err := net.DialTimeout("tcp", address, Timeout)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Promptly fails the test where do takes more than a second.
func Promptly(t *testing.T, what string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if took := time.Since(start); took > time.Second {
		t.Errorf("%s took %s", what, took)
	}
}

// Names are the names of n links.
func Names(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("worker-%d", i+1)
	}
	return names
}

// Pattern is n bytes in which a gap or a swap shows.
func Pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i*7 + i/251)
	}
	return data
}
