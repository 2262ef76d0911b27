// Package fault injects faults into many links at once: all begin together, have a lease, and end together.
//
// It imports clock, internals, link, problem, stage and toxic of this program. Begin with Manager, then Fault.
package fault

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

// A Fault is one thing wrong with many links at once. It ends when its lease does.
type Fault struct {
	id      string
	manager *Manager
	seed    int64
	action  string
	// Toxics of ours are added first and begin together; stock ones act at once, so they are added at the begin.
	oursJSON, stockJSON []ToxicSpec

	// changing is held through each change of state, however long it takes.
	changing   sync.Mutex
	cancel     chan struct{}
	cancelOnce sync.Once

	// decided is closed when a fault that waited for its anchor has begun or ended.
	decided     chan struct{}
	decidedOnce sync.Once

	mu       sync.Mutex // Guards what follows.
	anchor   *anchored  // Nil where the fault has none.
	state    string
	links    []*linkFault
	because  string
	leaseEnd time.Time
	lease    *time.Timer
}

const (
	arming = "arming"
	armed  = "armed" // It waits for its anchor.
	on     = "on"
	ended  = "ended"
)

// start arms the fault, waits for its time, and makes it take effect. Where a link fails nothing has taken effect, or else it is
// undone.
func (f *Fault) start(beginNs int64, lease time.Duration) *problem.Details {
	f.changing.Lock()
	defer f.changing.Unlock()
	failed := onEach(f.links, func(p *linkFault) error { return p.add(f.oursJSON) })
	if len(failed) == 0 && !f.waitUntil(beginNs) {
		f.undo()
		return &problem.Details{Status: http.StatusConflict, Message: fmt.Sprintf("fault %q was ended before it began", f.id)}
	}
	next := on
	if len(failed) == 0 && f.anchor != nil {
		next = armed
	} else if len(failed) == 0 {
		failed = f.takeEffect()
	}
	if len(failed) > 0 {
		f.undo()
		return &problem.Details{Status: http.StatusServiceUnavailable, Links: failed,
			Message: fmt.Sprintf("fault %q failed on %s and was undone on all links", f.id, names(failed))}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = next
	f.leaseEnd = time.Now().Add(lease)
	f.lease = time.AfterFunc(lease, f.expire)
	if next == armed {
		f.anchor.arm(f.strike) // A strike waits for changing.
	}
	return nil
}

// takeEffect adds the stock toxics and makes the fault take effect on its links.
func (f *Fault) takeEffect() map[string]string {
	failed := map[string]string{}
	if len(f.stockJSON) > 0 {
		failed = onEach(f.links, func(p *linkFault) error { return p.add(f.stockJSON) })
	}
	if len(failed) == 0 {
		failed = f.apply(f.links, actions[f.action])
	}
	return failed
}

// apply makes the fault take effect on links that are armed: on all of them first, and only then what takes longer on each.
func (f *Fault) apply(links []*linkFault, a action) map[string]string {
	for _, p := range links {
		p.begin()
	}
	failed, rests := applyAll(links, a, f.id)
	maps.Copy(failed, onEach(links, func(p *linkFault) error {
		for _, rest := range rests[p] {
			if err := rest(); err != nil {
				return err
			}
		}
		return nil
	}))
	return failed
}

// waitUntil returns false when the fault was ended meanwhile.
func (f *Fault) waitUntil(beginNs int64) bool {
	wait := time.Duration(beginNs - clock.MonoNs())
	if beginNs == 0 || wait <= 0 {
		return true
	}
	timer := clock.NewTimer()
	timer.Set(time.Now().Add(wait))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-f.cancel:
		return false
	}
}

// undo takes back what a failed start has done.
func (f *Fault) undo() {
	for _, p := range f.links {
		p.end()
	}
	onEach(f.links, func(p *linkFault) error { return p.reopen(f.id) })
	onEach(f.links, (*linkFault).remove)
	f.mu.Lock()
	f.state = ended
	f.mu.Unlock()
	f.decide()
	f.manager.drop(f)
}

// end ends the fault on all its links, once, and returns the links on which something was stuck.
func (f *Fault) end(because string) map[string]string {
	f.cancelOnce.Do(func() { close(f.cancel) })
	f.changing.Lock()
	defer f.changing.Unlock()
	return f.finish(because)
}

// finish does what end does. The caller holds changing.
func (f *Fault) finish(because string) map[string]string {
	f.mu.Lock()
	if f.state != on && f.state != armed {
		f.mu.Unlock()
		return nil
	}
	if f.anchor != nil {
		f.anchor.disarm()
	}
	f.state, f.because = ended, because
	f.lease.Stop()
	links := f.links
	for _, p := range links {
		p.end()
	}
	f.mu.Unlock()
	for _, p := range links {
		p.wasPresent.Store(p.present())
	}
	failed := map[string]string{}
	if actions[f.action].closesGate {
		maps.Copy(failed, onEach(links, func(p *linkFault) error { return p.reopen(f.id) }))
	}
	maps.Copy(failed, onEach(links, (*linkFault).remove))
	f.manager.retire(f)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range links {
		p.problem = failed[p.link.Name]
	}
	f.decide()
	return failed
}

// expire ends the fault if its lease has run out: it may have been renewed while the timer fired.
func (f *Fault) expire() {
	f.mu.Lock()
	late := time.Now().Before(f.leaseEnd)
	f.mu.Unlock()
	if !late {
		f.end("lease")
	}
}

// renew returns false when the fault has ended.
func (f *Fault) renew(lease time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != on && f.state != armed {
		return false
	}
	f.leaseEnd = time.Now().Add(lease)
	f.lease.Reset(lease)
	return true
}

// rejoin applies the fault to those of its links that were made again.
func (f *Fault) rejoin(current func(name string) *link.Link) {
	if !f.changing.TryLock() {
		return // It is just beginning or ending; the next call comes soon.
	}
	defer f.changing.Unlock()
	if f.state != on && f.state != armed {
		return
	}
	if f.state == armed {
		f.anchor.follow(current, f.strike)
	}
	for i, old := range f.links {
		l := current(old.link.Name)
		if l == nil || l == old.link {
			continue
		}
		again := &linkFault{link: l}
		wanted := slices.Concat(f.oursJSON, f.stockJSON)
		if f.state == armed {
			wanted = f.oursJSON
		}
		failed := onEach([]*linkFault{again}, func(p *linkFault) error { return p.add(wanted) })
		if len(failed) == 0 && f.state == on {
			a := actions[f.action]
			if !a.closesGate {
				a = actions["none"] // What it did to live connections, it did once.
			}
			failed = f.apply([]*linkFault{again}, a)
		}
		f.mu.Lock()
		again.problem = failed[l.Name]
		f.links[i] = again
		f.mu.Unlock()
	}
}

func names(failed map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(failed)), ", ")
}
