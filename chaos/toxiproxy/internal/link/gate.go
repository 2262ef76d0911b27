package link

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"golang.org/x/sys/unix"

	"stormlab/toxiproxy/internal/internals"
)

// A Gate closes and opens a link to new connections. Disabling the proxy would also end the live ones; closing the gate ends
// only the listener and the accept loop, so that new connections are truly refused and live ones stay.
type Gate struct {
	mu        sync.Mutex
	closers   map[string]bool // Faults that keep it closed.
	wasClosed bool            // It was closed before the first of them, and stays so after the last.
}

// gateTimeout bounds the wait for an accept loop to end or begin. It takes microseconds, unless the loop is waiting for the
// server to answer a dial, which Toxiproxy does not bound.
const gateTimeout = 500 * time.Millisecond

var errLocked = errors.New("it is being started or stopped by somebody else")

// Close closes the gate for a fault: new connections are refused when it returns. The returned function waits until the accept
// loop has ended, and then calls late, which handles the connection that the loop was opening.
func (g *Gate) Close(proxy *toxiproxy.Proxy, fault string, late func()) (rest func() error, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !LockWithin(proxy, gateTimeout) {
		return nil, errLocked
	}
	if g.closers == nil {
		g.closers = map[string]bool{}
	}
	if len(g.closers) == 0 {
		g.wasClosed = !proxy.Enabled
	}
	g.closers[fault] = true
	if !proxy.Enabled {
		proxy.Unlock()
		return func() error { return nil }, nil
	}
	ended := stopListening(proxy)
	return func() error {
		// The loop may wait for a dial that the server does not answer. New connections are refused all the same, and late is
		// called when the dial has ended.
		_ = Within(gateTimeout, func() error { ended(); late(); return nil })
		return nil
	}, nil
}

// Open removes one fault from those that keep the gate closed, and opens it after the last. Where that fails the fault stays, so
// that Prune can try again.
func (g *Gate) Open(proxy *toxiproxy.Proxy, fault string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closers[fault] {
		return nil
	}
	if len(g.closers) == 1 && !g.wasClosed {
		if _, err := startAccepting(proxy); err != nil {
			return err
		}
	}
	delete(g.closers, fault)
	return nil
}

// Prune opens the gate for the faults that are no longer on.
func (g *Gate) Prune(proxy *toxiproxy.Proxy, isOn func(fault string) bool) {
	g.mu.Lock()
	left := []string{}
	for fault := range g.closers {
		if !isOn(fault) {
			left = append(left, fault)
		}
	}
	g.mu.Unlock()
	for _, fault := range left {
		_ = g.Open(proxy, fault) // It is tried again at the next call.
	}
}

// ForceOpen opens the gate whatever closed it, and returns whether it was closed.
func (g *Gate) ForceOpen(proxy *toxiproxy.Proxy) (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	opened, err := startAccepting(proxy)
	if err == nil {
		clear(g.closers)
	}
	return opened, err
}

// startAccepting returns whether the proxy had to be started.
func startAccepting(proxy *toxiproxy.Proxy) (bool, error) {
	// Taking the lock first keeps calls from piling up behind a lock that a hanging dial may hold for minutes.
	if !LockWithin(proxy, gateTimeout) {
		return false, ErrDialing
	}
	proxy.Unlock()
	err := Within(gateTimeout, proxy.Start)
	switch {
	case errors.Is(err, toxiproxy.ErrProxyAlreadyStarted):
		return false, nil
	case err != nil && !errors.Is(err, ErrDialing):
		return false, fmt.Errorf("cannot listen again: %w", err)
	}
	return err == nil, err
}

// stopListening does what Toxiproxy's own stop does, except closing the connections. The caller holds the proxy's lock; the
// returned function waits until the accept loop has ended, and releases it: an earlier start would share its tomb.
func stopListening(proxy *toxiproxy.Proxy) (ended func()) {
	proxy.Enabled = false
	tomb := internals.Tomb(proxy)
	tomb.Killf("the gate is closed")
	if listener, ok := internals.Listener(proxy).(*net.TCPListener); ok {
		if raw, err := listener.SyscallConn(); err == nil {
			// The kernel refuses from here on, without waiting for the accept loop. An error means it does already.
			_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
		}
	}
	return func() {
		_ = tomb.Wait()
		proxy.Unlock()
	}
}
