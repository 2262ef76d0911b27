package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"stormlab/toxiproxy/internal/journal"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

// A pair is the place where the replicas of one service reach another service: one listener, and one link for each address that
// connects. A link of a pair is a proxy like any other, so every fault acts on one replica alone. Its own listener, on loopback, only
// holds its state (open or shut); its connections come from the pair's listener.
type pair struct {
	link.Spec
	server   *Server
	listener *net.TCPListener
}

const (
	pairDial    = 10 * time.Second       // Bounds a dial, which holds up no other connection.
	acceptPause = 100 * time.Millisecond // After an accept that failed, as it does without descriptors.
)

// ReadPairs reads the file of the flag -pairs: a list of {"name", "listen", "upstream"}.
func ReadPairs(path string) ([]link.Spec, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := LinksRequest{}
	if err := json.Unmarshal(text, &r.Links); err != nil {
		return nil, fmt.Errorf("%s must be a list of pairs, each with name, listen and upstream: %w", path, err)
	}
	if p := r.check(); p != nil {
		return nil, fmt.Errorf("%s: %s", path, p.Message)
	}
	return r.Links, nil
}

// OpenPairs listens for all pairs before the first connection is accepted. It is called at most once, before Serve.
func (s *Server) OpenPairs(specs []link.Spec) error {
	for _, spec := range specs {
		if p := s.forbids(spec.Upstream); p != nil {
			return fmt.Errorf("pair %s: %s", spec.Name, p.Message)
		}
		listener, err := net.Listen("tcp", spec.Listen)
		if err != nil {
			return fmt.Errorf("pair %s: %w", spec.Name, err)
		}
		s.pairs[spec.Name] = &pair{spec, s, listener.(*net.TCPListener)}
	}
	for _, p := range s.pairs {
		go p.accept()
	}
	return nil
}

func (p *pair) accept() {
	accept(p.listener, func(client *net.TCPConn) { go p.carry(client) })
}

// accept passes on what a listener accepts, until it is closed.
func accept(listener *net.TCPListener, take func(*net.TCPConn)) {
	for {
		client, err := listener.AcceptTCP()
		if err == nil {
			take(client)
			continue
		}
		if timeout, ok := err.(net.Error); !ok || !timeout.Temporary() { //nolint:staticcheck // Out of descriptors is temporary.
			return
		}
		time.Sleep(acceptPause)
	}
}

// carry puts a connection on the link of the client's address.
func (p *pair) carry(client *net.TCPConn) {
	c := &link.Carried{Client: client, Times: journal.Times{Asked: time.Now()}}
	address := client.RemoteAddr().(*net.TCPAddr).IP
	err := p.join(address, c)
	if err != nil {
		why, detail := whyNot(err)
		p.server.Links.Journal.Failed(p.linkSpec(address).Name, c.Times, why, detail)
		p.server.refuse(client, p.Name, err)
	}
}

// errFull is the error of a connection that is one too many for all pairs together.
var errFull = errors.New("too many connections are open")

// join puts a connection on the link of an address, unless too many are open.
func (p *pair) join(address net.IP, c *link.Carried) error {
	dialling := p.server.dialling.Add(1)
	defer p.server.dialling.Add(-1)
	if dialling+int64(p.server.Links.Connections()) > p.server.MaxConnections.Load() {
		return errFull
	}
	l, err := p.linkOf(address)
	if err != nil {
		return err
	}
	return p.server.join(l, p.Upstream, c)
}

// join opens the connection to an upstream, and puts both on a link. It returns link.ErrClosed for a link that is closed.
func (s *Server) join(l *link.Link, upstream string, c *link.Carried) error {
	if !l.IsOpen() {
		return link.ErrClosed
	}
	c.Times.Dialling = time.Now()
	server, err := net.DialTimeout("tcp", upstream, pairDial)
	if err != nil {
		return err
	}
	c.Times.Dialled = time.Now()
	c.Upstream = server.(*net.TCPConn)
	if err := l.Join(s.stock, *c); err != nil {
		abort(c.Upstream)
		return err
	}
	return nil
}

// refuse ends a connection that cannot be carried, with RST: the listener of a closed link serves other addresses too, so it cannot
// refuse one of them, and the client of a server that refuses would have read no byte either.
func (s *Server) refuse(client *net.TCPConn, at string, because error) {
	if !errors.Is(because, link.ErrClosed) {
		s.refusals.Err(because).Str("at", at).Str("client", client.RemoteAddr().String()).Msg("Connection not carried")
	}
	abort(client)
}

// whyNot returns why a connection was not carried, in the journal's words.
func whyNot(err error) (why, detail string) {
	var timeout net.Error
	switch {
	case errors.Is(err, link.ErrClosed):
		why = "closed"
	case errors.Is(err, link.ErrBusy):
		why = "busy"
	case errors.Is(err, errFull):
		why = "full"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		why = "timeout"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		why = "unreachable"
	default:
		why = "other"
	}
	return why, err.Error()
}

func abort(socket *net.TCPConn) {
	_ = socket.SetLinger(0)
	_ = socket.Close()
}

// linkSpec is the link of one address.
func (p *pair) linkSpec(peer net.IP) link.Spec {
	return link.Spec{Name: p.Name + "@" + peer.String(), Listen: "127.0.0.1:0", Upstream: p.Upstream}
}

// linkOf returns the link of an address, and makes it where there is none yet.
func (p *pair) linkOf(peer net.IP) (*link.Link, error) {
	spec := p.linkSpec(peer)
	if l := p.server.Links.Get(spec.Name); l != nil {
		return l, nil
	}
	if _, failed := p.server.ensure(&LinksRequest{Links: []link.Spec{spec}}); failed != nil {
		return nil, errors.New(failed.Message)
	}
	if l := p.server.Links.Get(spec.Name); l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("link %s was removed while it was made", spec.Name)
}

type (
	// A PeersRequest asks for the links of addresses.
	PeersRequest struct {
		Peers []PeerSpec `json:"peers"`
	}
	// A PeerSpec is one address that connects to a pair.
	PeerSpec struct {
		Pair    string `json:"pair"`
		Address string `json:"address"`
		Name    string `json:"name,omitempty"` // Of the link in the system, for the journal alone.
	}
	// A PeersAnswer names the links of the addresses, in their order.
	PeersAnswer struct {
		Links []string `json:"links"`
	}
	// A PairsView is all pairs as GET shows them.
	PairsView struct {
		Pairs []link.Spec `json:"pairs"`
	}
)

// ensurePeers makes the links of addresses that may not have connected yet, so that a fault can be on them before they do. Where one
// address is wrong, no link is made.
func (s *Server) ensurePeers(r *PeersRequest) (*PeersAnswer, *problem.Details) {
	answer, wanted := &PeersAnswer{[]string{}}, &LinksRequest{}
	asked := map[string]bool{}
	for i, want := range r.Peers {
		p, address := s.pairs[want.Pair], net.ParseIP(want.Address)
		if p == nil {
			return nil, &problem.Details{Status: http.StatusNotFound, Message: fmt.Sprintf("peers[%d].pair: there is no pair %q", i, want.Pair)}
		}
		if address == nil {
			return nil, problem.BadRequest("peers[%d].address must be an IP address, not %q", i, want.Address)
		}
		spec := p.linkSpec(address)
		answer.Links = append(answer.Links, spec.Name)
		if !asked[spec.Name] {
			asked[spec.Name] = true
			wanted.Links = append(wanted.Links, spec)
		}
	}
	if _, failed := s.ensure(wanted); failed != nil {
		return nil, failed
	}
	for i, want := range r.Peers {
		if l := s.Links.Get(answer.Links[i]); l != nil && want.Name != "" {
			l.NameInSystem(want.Name)
		}
	}
	return answer, nil
}

func (s *Server) listPairs() PairsView {
	v := PairsView{[]link.Spec{}}
	for _, p := range s.pairs {
		v.Pairs = append(v.Pairs, link.Spec{Name: p.Name, Listen: p.listener.Addr().String(), Upstream: p.Upstream})
	}
	return v
}
