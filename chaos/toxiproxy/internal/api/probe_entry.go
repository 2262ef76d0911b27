package api

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"stormlab/toxiproxy/internal/link"
)

// The probe entry is where the prober reaches the links of pairs. A connection to it names its link in a first line, then is one of
// that link's connections, under the same faults; but it ends at the prober's far end and not at the link's server, so a fault is
// observed whatever protocol the server speaks.
const (
	preamble        = "STORMLAB PROBE " // The link's name and a newline follow.
	preambleBytes   = 512
	preambleTimeout = 2 * time.Second
	preambleAnswer  = "OK\n"
	pendingLimit    = 64 // More wait in the kernel's queue; each leaves room within preambleTimeout.
)

// A probeEntry is the listener, and the network whose addresses may use it.
type probeEntry struct {
	server   *Server
	listener *net.TCPListener
	network  *net.IPNet
	upstream string
	pending  chan struct{}
}

// OpenProbeEntry listens for the prober at an address of this host that no pair has, and joins its connections to the prober's far
// end, `upstream`. It returns the address. It is called at most once, after OpenPairs.
func (s *Server) OpenProbeEntry(listen, upstream string) (net.Addr, error) {
	address, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("probe entry: %w", err)
	}
	network, err := networkOf(address.IP)
	if err != nil {
		return nil, fmt.Errorf("probe entry %s: %w", listen, err)
	}
	for _, p := range s.pairs {
		if p.listener.Addr().(*net.TCPAddr).IP.Equal(address.IP) {
			return nil, fmt.Errorf("probe entry %s: pair %s listens at the same address, and the clients of a pair must not reach it", listen, p.Name)
		}
	}
	listener, err := net.ListenTCP("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("probe entry: %w", err)
	}
	e := &probeEntry{s, listener, network, upstream, make(chan struct{}, pendingLimit)}
	go accept(listener, e.take)
	return listener.Addr(), nil
}

// networkOf returns the network of an address that an interface of this host has.
func networkOf(ip net.IP) (*net.IPNet, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, one := range addresses {
		if network, ok := one.(*net.IPNet); ok && network.IP.Equal(ip) {
			return network, nil
		}
	}
	return nil, errors.New("it must be an address of one interface of this host")
}

// take waits while too many connections have not named their link.
func (e *probeEntry) take(client *net.TCPConn) {
	e.pending <- struct{}{}
	go e.carry(client)
}

func (e *probeEntry) carry(client *net.TCPConn) {
	l, err := e.named(client)
	<-e.pending
	if err == nil {
		err = e.server.join(l, e.upstream, &link.Carried{Client: client, IsProbe: true, Ready: func() {
			// The socket's buffer is empty, so the write does not wait. An error shows in the prober as the connection's end.
			_, _ = client.Write([]byte(preambleAnswer))
		}})
	}
	if err != nil {
		e.server.refuse(client, "probe entry", err)
	}
}

// named returns the link that a connection names in its first line.
func (e *probeEntry) named(client *net.TCPConn) (*link.Link, error) {
	// A host takes a packet to any of its addresses from any of its networks; the answer goes to the network of the sender's address.
	if peer := client.RemoteAddr().(*net.TCPAddr).IP; !e.network.Contains(peer) {
		return nil, fmt.Errorf("%s is not on the probe entry's network %s", peer, e.network)
	}
	line, err := firstLine(client)
	if err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(line, preamble)
	if !ok {
		return nil, errors.New("the first line names no link")
	}
	pair, _, _ := strings.Cut(name, "@")
	if l := e.server.Links.Get(name); l != nil && e.server.pairs[pair] != nil {
		return l, nil
	}
	return nil, fmt.Errorf("there is no link %s of a pair", readableName(name))
}

// firstLine reads to the first newline and no further: what follows are bytes of the link.
func firstLine(client *net.TCPConn) (string, error) {
	if err := client.SetReadDeadline(time.Now().Add(preambleTimeout)); err != nil {
		return "", err
	}
	line, one := make([]byte, 0, preambleBytes), make([]byte, 1)
	for len(line) < preambleBytes {
		if _, err := client.Read(one); err != nil {
			return "", fmt.Errorf("the first line did not come: %w", err)
		}
		if one[0] == '\n' {
			return string(line), client.SetReadDeadline(time.Time{})
		}
		line = append(line, one[0])
	}
	return "", fmt.Errorf("the first line is longer than %d bytes", preambleBytes)
}
