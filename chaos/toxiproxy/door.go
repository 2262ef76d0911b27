package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"golang.org/x/sys/unix"
)

// A door closes and opens a link to new connections. Disabling the proxy would also end the live ones; closing the door ends
// only the listener and the accept loop, so that new connections are truly refused and live ones stay.
type door struct {
	mu      sync.Mutex
	closers map[string]bool // Faults that keep it closed.
	wasShut bool            // It was closed before the first of them came, and stays so after the last.
}

// doorTime bounds the wait for an accept loop to end or begin. It takes microseconds, unless the loop is waiting for the
// server to answer a dial, which Toxiproxy does not bound.
const doorTime = 500 * time.Millisecond

var (
	errDialing = errors.New("its accept loop waits for the server to answer a dial")
	errLocked  = errors.New("it is being started or stopped by somebody else")
)

// shut closes the door on a fault's behalf: new connections are refused when it returns. What it gives waits until the accept loop
// has ended, too, and then does what is left to do about the connection that the loop was opening.
func (d *door) shut(proxy *toxiproxy.Proxy, fault string, late func()) (rest func() error, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !lockWithin(proxy, doorTime) {
		return nil, errLocked
	}
	if d.closers == nil {
		d.closers = map[string]bool{}
	}
	if len(d.closers) == 0 {
		d.wasShut = !proxy.Enabled
	}
	d.closers[fault] = true
	if !proxy.Enabled {
		proxy.Unlock()
		return func() error { return nil }, nil
	}
	ended := stopListening(proxy)
	return func() error {
		// The loop may wait for a dial that the server does not answer. New connections are refused all the same, and the rest
		// is done when the dial has ended.
		_ = within(doorTime, func() error { ended(); late(); return nil })
		return nil
	}, nil
}

// unshut takes one fault's hand off the door, and opens it when that was the last. Where that fails the hand stays, so that
// it can be tried again.
func (d *door) unshut(proxy *toxiproxy.Proxy, fault string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closers[fault] {
		return nil
	}
	if len(d.closers) == 1 && !d.wasShut {
		if _, err := startAccepting(proxy); err != nil {
			return err
		}
	}
	delete(d.closers, fault)
	return nil
}

// keep takes the hands of faults that are no longer on off the door.
func (d *door) keep(proxy *toxiproxy.Proxy, isOn func(fault string) bool) {
	d.mu.Lock()
	left := []string{}
	for fault := range d.closers {
		if !isOn(fault) {
			left = append(left, fault)
		}
	}
	d.mu.Unlock()
	for _, fault := range left {
		_ = d.unshut(proxy, fault) // It is tried again at the next look.
	}
}

// reopen opens the door whoever closed it, and says whether it was closed.
func (d *door) reopen(proxy *toxiproxy.Proxy) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	opened, err := startAccepting(proxy)
	if err == nil {
		clear(d.closers)
	}
	return opened, err
}

// startAccepting says whether the proxy had to be started.
func startAccepting(proxy *toxiproxy.Proxy) (bool, error) {
	// Looking first keeps calls from piling up behind a lock that a hanging dial may hold for minutes.
	if !lockWithin(proxy, doorTime) {
		return false, errDialing
	}
	proxy.Unlock()
	err := within(doorTime, proxy.Start)
	switch {
	case errors.Is(err, toxiproxy.ErrProxyAlreadyStarted):
		return false, nil
	case err != nil && !errors.Is(err, errDialing):
		return false, fmt.Errorf("cannot listen again: %w", err)
	}
	return err == nil, err
}

// stopListening does what Toxiproxy's own stop does, except closing the connections. The caller holds the proxy's lock; what is
// given releases it, and waits until the accept loop has ended: an earlier start would share its tomb.
func stopListening(proxy *toxiproxy.Proxy) (ended func()) {
	proxy.Enabled = false
	tomb := tombOf(proxy)
	tomb.Killf("the door is shut")
	if listener, ok := listenerOf(proxy).(*net.TCPListener); ok {
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

// within runs something that may hang, and stops waiting for it after the limit; it then goes on by itself.
func within(limit time.Duration, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		return errDialing
	}
}
