package fault

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

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/stage"
)

// A linkFault is a fault on one of its links. Its methods change that link alone.
type linkFault struct {
	link       *link.Link
	toxics     []*addedToxic
	hit        atomic.Int64
	beganNs    atomic.Int64
	endedNs    atomic.Int64
	wasPresent atomic.Bool // Its toxics were still on the link when the fault ended.
	problem    string
	left       []*link.Connection // Those that the end of the fault resets.
}

// An addedToxic is a toxic that a fault has added to a link.
type addedToxic struct {
	wrapper *toxics.ToxicWrapper
	ours    stage.Toxic // nil for a stock toxic.
	share   float64
}

// add adds toxics to the link: ours attached and dormant; stock ones act at once.
func (p *linkFault) add(wanted []ToxicSpec) error {
	p.link.Changing.Lock()
	defer p.link.Changing.Unlock()
	if err := p.link.Repair(); err != nil {
		return err
	}
	for _, w := range wanted {
		text, err := json.Marshal(w)
		if err != nil {
			return err
		}
		wrapper, err := p.link.Proxy.Toxics.AddToxicJson(bytes.NewReader(text))
		if err != nil {
			return fmt.Errorf("toxic %s: %w", w.Name, err)
		}
		t, isOurs := wrapper.Toxic.(stage.Toxic)
		if isOurs {
			p.link.Proxy.Toxics.Lock()
			t.Attach(p.link, wrapper, w.share)
			p.link.Proxy.Toxics.Unlock()
		}
		p.toxics = append(p.toxics, &addedToxic{wrapper, t, w.share})
	}
	return nil
}

// begin begins the toxics.
func (p *linkFault) begin() {
	p.beganNs.Store(clock.MonoNs())
	for _, t := range p.toxics {
		if t.ours != nil {
			t.ours.Begin()
		}
	}
}

// act applies the fault's action, counts the connections that were hit but the prober's, and returns functions that finish what takes longer. It
// waits for nothing that takes more than microseconds, because the next link comes after it.
func (p *linkFault) act(a action, fault string) (rests []func() error, err error) {
	if a.closesGate {
		rest, err := p.link.Gate.Close(p.link.Proxy, fault, func() { endLate(p.link, a) })
		if err != nil {
			return nil, err
		}
		rests = append(rests, rest)
	}
	if a.closesGate || a.disconnects {
		// Before the first of them: a client that was disconnected could else be back before the clock was read.
		p.beganNs.Store(clock.MonoNs())
	}
	hit := 0
	for _, c := range p.link.Connections() {
		live, rest := a.onLive(c)
		if live && !c.IsProbe {
			hit++
		}
		if live && len(a.toxics) > 0 {
			p.left = append(p.left, c)
		}
		rests = append(rests, func() error { rest(); return nil })
	}
	p.hit.Store(int64(hit))
	return rests, nil
}

// applyAll applies an action to all links, on all processors: the kernel delivers a FIN or RST to a neighbour before it returns.
func applyAll(links []*linkFault, a action, fault string) (failed map[string]string, rests map[*linkFault][]func() error) {
	failed, rests = map[string]string{}, map[*linkFault][]func() error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for some := range slices.Chunk(links, (len(links)+runtime.NumCPU()-1)/runtime.NumCPU()) {
		all.Add(1)
		go func() {
			defer all.Done()
			for _, p := range some {
				rest, err := p.act(a, fault)
				mu.Lock()
				rests[p] = rest
				if err != nil {
					failed[p.link.Name] = err.Error()
				}
				mu.Unlock()
			}
		}()
	}
	all.Wait()
	return failed, rests
}

// endLate ends the connection that Toxiproxy was opening while the gate was closed.
func endLate(l *link.Link, a action) {
	if !a.disconnects {
		return
	}
	for _, c := range l.Connections() {
		if c.IsOpen() {
			c.Cut()
		}
	}
}

// end ends the toxics' effect, and the connections that are left to it.
func (p *linkFault) end() {
	for _, c := range p.left {
		c.Reset()
	}
	p.left = nil
	for _, t := range p.toxics {
		if t.ours != nil {
			t.ours.End()
		}
	}
	p.endedNs.Store(clock.MonoNs())
}

// reopen lets new connections in again, where the fault refused them.
func (p *linkFault) reopen(fault string) error {
	if err := p.link.Gate.Open(p.link.Proxy, fault); err != nil {
		return err
	}
	p.endedNs.Store(clock.MonoNs())
	return nil
}

// remove takes the fault's toxics off the link.
func (p *linkFault) remove() error {
	p.link.Changing.Lock()
	defer p.link.Changing.Unlock()
	for _, t := range p.toxics {
		err := p.link.Proxy.Toxics.RemoveToxic(context.Background(), t.wrapper.Name)
		if err != nil && !errors.Is(err, toxiproxy.ErrToxicNotFound) {
			return err
		}
	}
	return nil
}

// present returns whether the fault's toxics are still on the link.
func (p *linkFault) present() bool {
	if !link.LockWithin(p.link.Proxy.Toxics, link.LockTimeout) {
		return false
	}
	defer p.link.Proxy.Toxics.Unlock()
	onLink := map[*toxics.ToxicWrapper]bool{}
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		for _, wrapper := range internals.Chain(p.link.Proxy.Toxics, d) {
			onLink[wrapper] = true
		}
	}
	for _, t := range p.toxics {
		if !onLink[t.wrapper] {
			return false
		}
	}
	return true
}

// onEach runs do on all links at once, each within link.Bounded, and returns the links on which it failed with their errors.
func onEach(links []*linkFault, do func(*linkFault) error) map[string]string {
	var mu sync.Mutex
	var all sync.WaitGroup
	failed := map[string]string{}
	for _, p := range links {
		all.Add(1)
		go func() {
			defer all.Done()
			err := p.link.Bounded(func() error { return do(p) })
			if err != nil {
				mu.Lock()
				failed[p.link.Name] = err.Error()
				mu.Unlock()
			}
		}()
	}
	all.Wait()
	return failed
}
