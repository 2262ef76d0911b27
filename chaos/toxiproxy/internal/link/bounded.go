package link

import (
	"errors"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/journal"
)

// Timeout bounds an operation on one link.
const Timeout = 2 * time.Second

var (
	// ErrDialing is the error of an operation that may wait for a server that does not answer a dial.
	ErrDialing = errors.New("its accept loop waits for the server to answer a dial")
	// ErrStuck is the error of a link that had to be unblocked by force.
	ErrStuck = errors.New("stuck: a toxic does not let go, because its receiver does not read")
)

// Within runs do, which may hang, and returns ErrDialing after the limit; do then goes on by itself.
func Within(limit time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return ErrDialing
	}
}

// Bounded runs do, an operation on the link. After Timeout it unblocks the link by force, gives do as much time again to finish,
// and returns ErrStuck.
func (l *Link) Bounded(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	limit := time.NewTimer(Timeout)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
	}
	l.forceUnblock()
	limit.Reset(Timeout)
	select {
	case <-done:
	case <-limit.C:
	}
	return ErrStuck
}

// forceUnblock frees a link on which a stock toxic waits for ever for a receiver that does not read, by closing the link's
// connections and draining its pipelines.
func (l *Link) forceUnblock() {
	for _, c := range l.Connections() {
		c.watched.DoorEnds(journal.Closed, true)
	}
	for _, socket := range internals.Sockets(l.Proxy) {
		_ = socket.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.connections {
		c.drain(stream.Upstream)
		c.drain(stream.Downstream)
	}
}
