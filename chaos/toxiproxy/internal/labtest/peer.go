package labtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"
)

// A Peer is one end of a connection.
type Peer struct {
	h *Harness
	*net.TCPConn
}

// Peer makes an end that is closed after the test.
func (h *Harness) Peer(c net.Conn) *Peer {
	h.Cleanup(func() { c.Close() })
	return &Peer{h, c.(*net.TCPConn)}
}

// Send writes all data.
func (p *Peer) Send(data []byte) {
	p.h.Helper()
	p.h.Must(p.SetWriteDeadline(time.Now().Add(Timeout)))
	_, err := p.Write(data)
	p.h.Must(err)
}

// Expect reads exactly the wanted bytes.
func (p *Peer) Expect(want []byte) {
	p.h.Helper()
	if got := p.Take(len(want)); !bytes.Equal(got, want) {
		p.h.Fatalf("received %.80q, not %.80q", got, want)
	}
}

// Take reads n bytes.
func (p *Peer) Take(n int) []byte {
	p.h.Helper()
	p.h.Must(p.SetReadDeadline(time.Now().Add(Timeout)))
	data := make([]byte, n)
	got, err := io.ReadFull(p, data)
	if err != nil {
		p.h.Fatalf("received %d of %d bytes, then %v", got, n, err)
	}
	return data
}

// Silent checks that nothing comes for a while: neither bytes nor an end.
func (p *Peer) Silent(while time.Duration) {
	p.h.Helper()
	p.h.Must(p.SetReadDeadline(time.Now().Add(while)))
	n, err := p.Read(make([]byte, 1))
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		p.h.Fatalf("expected silence, got %d bytes and %v", n, err)
	}
}

// Rest reads until the connection ends, and returns what came and how it ended: nil for FIN.
func (p *Peer) Rest() ([]byte, error) {
	p.h.Helper()
	p.h.Must(p.SetReadDeadline(time.Now().Add(Timeout)))
	data, err := io.ReadAll(p)
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		p.h.Fatalf("the connection did not end (after %d bytes)", len(data))
	}
	return data, err
}

// ExpectEnd checks how the connection ends, whatever comes before: with FIN where the error is nil, with RST where it is ECONNRESET.
func (p *Peer) ExpectEnd(how error) {
	p.h.Helper()
	if _, err := p.Rest(); !errors.Is(err, how) {
		p.h.Errorf("the connection ended with %v, expected %v (nil is FIN)", err, how)
	}
}

// Flood sends without end in the background, until the connection ends.
func (p *Peer) Flood() {
	go func() {
		for {
			if _, err := p.Write(Pattern(10_000)); err != nil {
				return
			}
		}
	}()
}

// Stuff sends to a peer that does not read until nothing more is accepted for a while, and returns what was sent.
func (p *Peer) Stuff() []byte {
	p.h.Helper()
	data := Pattern(64 << 20)
	for sent := 0; sent < len(data); {
		p.h.Must(p.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)))
		n, err := p.Write(data[sent : sent+64<<10])
		sent += n
		if err != nil {
			return data[:sent]
		}
	}
	p.h.Fatal("64 MiB went to a peer that does not read")
	return nil
}
