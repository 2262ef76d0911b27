package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

// A door closes and opens a link to new connections. Disabling the proxy would also end the live ones; closing the door ends
// only the listener and the accept loop, so that new connections are truly refused and live ones stay.
type door struct {
	mu      sync.Mutex
	closers map[string]bool // Faults that keep it closed.
}

// doorTime bounds the wait for an accept loop to end or begin. It takes microseconds, unless the loop is waiting for the
// server to answer a dial, which Toxiproxy does not bound.
const doorTime = 500 * time.Millisecond

var errDialing = errors.New("its accept loop waits for the server to answer a dial")

// shut closes the door on a fault's behalf.
func (d *door) shut(proxy *toxiproxy.Proxy, fault string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closers == nil {
		d.closers = map[string]bool{}
	}
	alone := len(d.closers) == 0
	d.closers[fault] = true
	if !alone {
		return nil
	}
	err := within(doorTime, func() error { stopAccepting(proxy); return nil })
	if errors.Is(err, errDialing) && listenerClosed(proxy) {
		return nil // New connections are refused already, whatever becomes of the one being dialled.
	}
	return err
}

// unshut takes one fault's hand off the door, and opens it when that was the last. Where that fails the hand stays, so that
// it can be tried again.
func (d *door) unshut(proxy *toxiproxy.Proxy, fault string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closers[fault] {
		return nil
	}
	if len(d.closers) == 1 {
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
	err := within(doorTime, proxy.Start)
	switch {
	case errors.Is(err, toxiproxy.ErrProxyAlreadyStarted):
		return false, nil
	case err != nil && !errors.Is(err, errDialing):
		return false, fmt.Errorf("cannot listen again: %w", err)
	}
	return err == nil, err
}

// stopAccepting does what Toxiproxy's own stop does, except closing the connections. The lock is kept until the accept loop has
// ended: an earlier start would share its tomb.
func stopAccepting(proxy *toxiproxy.Proxy) {
	proxy.Lock()
	defer proxy.Unlock()
	if !proxy.Enabled {
		return
	}
	proxy.Enabled = false
	tomb := tombOf(proxy)
	tomb.Killf("the door is closed")
	_ = tomb.Wait()
}

// listenerClosed looks at the listener of a proxy whose accept loop is being stopped.
func listenerClosed(proxy *toxiproxy.Proxy) bool {
	listener, ok := listenerOf(proxy).(*net.TCPListener)
	if !ok {
		return false
	}
	raw, err := listener.SyscallConn()
	return err == nil && raw.Control(func(uintptr) {}) != nil
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
