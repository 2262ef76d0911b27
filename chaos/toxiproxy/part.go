package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// A part is one link's share of a fault. Its methods touch that link alone.
type part struct {
	link    *link
	toxics  []*setToxic
	hit     atomic.Int64
	beganNs atomic.Int64
	endedNs atomic.Int64
	there   atomic.Bool // Its toxics were still on the link when the fault ended.
	problem string
}

// A setToxic is a toxic that a fault has put on a link.
type setToxic struct {
	wrapper *toxics.ToxicWrapper
	ours    ours // nil for a stock toxic.
	share   float64
}

var errStuck = errors.New("stuck: a toxic does not let go, because its receiver does not read")

// add puts toxics on the link: ours dormant and settled, stock ones at work at once.
func (p *part) add(wanted []toxicJSON) error {
	p.link.changing.Lock()
	defer p.link.changing.Unlock()
	if err := p.link.mend(); err != nil {
		return err
	}
	for _, w := range wanted {
		text, err := json.Marshal(w)
		if err != nil {
			return err
		}
		wrapper, err := p.link.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
		if err != nil {
			return fmt.Errorf("toxic %s: %w", w.Name, err)
		}
		t, isOurs := wrapper.Toxic.(ours)
		if isOurs {
			p.link.proxy.Toxics.Lock()
			t.settle(p.link, wrapper, w.share)
			p.link.proxy.Toxics.Unlock()
		}
		p.toxics = append(p.toxics, &setToxic{wrapper, t, w.share})
	}
	return nil
}

// throw begins the toxics.
func (p *part) throw() {
	p.beganNs.Store(monoNs())
	for _, t := range p.toxics {
		if t.ours != nil {
			t.ours.begin()
		}
	}
}

// strike makes the fault's action take effect, counts the connections that were hit, and gives what is to be done once the moment is
// over. It waits for nothing that takes more than microseconds, because the next link's turn comes after it.
func (p *part) strike(a action, fault string) (rests []func() error, err error) {
	if a.shuts {
		rest, err := p.link.door.shut(p.link.proxy, fault, func() { p.link.endLate(a) })
		if err != nil {
			return nil, err
		}
		rests = append(rests, rest)
	}
	if a.shuts || a.ends {
		// Before the first of them: who was cut off would else be back before the clock was read.
		p.beganNs.Store(monoNs())
	}
	hit := 0
	for _, c := range p.link.known() {
		live, rest := a.onLive(c)
		if live {
			hit++
		}
		rests = append(rests, func() error { rest(); return nil })
	}
	p.hit.Store(int64(hit))
	return rests, nil
}

// strikeAll strikes all parts, on all processors: the kernel delivers a FIN or RST to a neighbour before it returns.
func strikeAll(parts []*part, a action, fault string) (failed map[string]string, rests map[*part][]func() error) {
	failed, rests = map[string]string{}, map[*part][]func() error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for some := range slices.Chunk(parts, (len(parts)+runtime.NumCPU()-1)/runtime.NumCPU()) {
		all.Add(1)
		go func() {
			defer all.Done()
			for _, p := range some {
				rest, err := p.strike(a, fault)
				mu.Lock()
				rests[p] = rest
				if err != nil {
					failed[p.link.name] = err.Error()
				}
				mu.Unlock()
			}
		}()
	}
	all.Wait()
	return failed, rests
}

// endLate ends the connection that Toxiproxy was opening while the door was shut.
func (l *link) endLate(a action) {
	if !a.ends {
		return
	}
	for _, c := range l.known() {
		if c.open() {
			c.cut()
		}
	}
}

// halt ends the toxics' effect.
func (p *part) halt() {
	for _, t := range p.toxics {
		if t.ours != nil {
			t.ours.end()
		}
	}
	p.endedNs.Store(monoNs())
}

// reopen lets new connections in again, where the fault kept them out.
func (p *part) reopen(fault string) error {
	if err := p.link.door.unshut(p.link.proxy, fault); err != nil {
		return err
	}
	p.endedNs.Store(monoNs())
	return nil
}

// remove takes the fault's toxics off the link.
func (p *part) remove() error {
	p.link.changing.Lock()
	defer p.link.changing.Unlock()
	for _, t := range p.toxics {
		err := p.link.proxy.Toxics.RemoveToxic(context.Background(), t.wrapper.Name)
		if err != nil && !errors.Is(err, toxiproxy.ErrToxicNotFound) {
			return err
		}
	}
	return nil
}

// present says whether the fault's toxics are still on the link.
func (p *part) present() bool {
	if !lockWithin(p.link.proxy.Toxics, lockTime) {
		return false
	}
	defer p.link.proxy.Toxics.Unlock()
	there := map[*toxics.ToxicWrapper]bool{}
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		for _, wrapper := range chainOf(p.link.proxy.Toxics, d) {
			there[wrapper] = true
		}
	}
	for _, t := range p.toxics {
		if !there[t.wrapper] {
			return false
		}
	}
	return true
}

// unwedge frees a link on which a stock toxic waits for ever for a receiver that does not read, by closing the link's
// connections and draining its pipelines.
func (l *link) unwedge() {
	for _, socket := range sockets(l.proxy) {
		_ = socket.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.connections {
		c.drain(stream.Upstream)
		c.drain(stream.Downstream)
	}
}

// linkTime bounds an operation on one link.
const linkTime = 2 * time.Second

// onEach runs something on all parts at once and gives the links on which it failed. A link that does not answer in time is
// unwedged, and given as much time again to finish; it counts as failed.
func onEach(parts []*part, do func(*part) error) map[string]string {
	var mu sync.Mutex
	var all sync.WaitGroup
	failed := map[string]string{}
	for _, p := range parts {
		all.Add(1)
		go func() {
			defer all.Done()
			err := bounded(p.link, func() error { return do(p) })
			if err != nil {
				mu.Lock()
				failed[p.link.name] = err.Error()
				mu.Unlock()
			}
		}()
	}
	all.Wait()
	return failed
}

func bounded(l *link, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	limit := time.NewTimer(linkTime)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
	}
	l.unwedge()
	limit.Reset(linkTime)
	select {
	case <-done:
	case <-limit.C:
	}
	return errStuck
}
