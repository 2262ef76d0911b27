package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A fault is one thing wrong with many links at once, held by a lease.
type fault struct {
	id     string
	lab    *lab
	seed   int64
	action string
	// Toxics of ours wait for the switch; stock ones know no switch and are added when it is thrown.
	oursJSON, stockJSON []toxicJSON

	// turn is held through each change of state, however long it takes.
	turn   sync.Mutex
	cancel chan struct{}
	asked  sync.Once

	mu       sync.Mutex // Guards what follows.
	state    string
	parts    []*part
	because  string
	leaseEnd time.Time
	lease    *time.Timer
}

const (
	arming  = "arming"
	faultOn = "on"
	over    = "ended"
)

// start arms the fault, waits for its moment, and throws the switch. Where a link fails nothing has taken effect, or else it is
// undone.
func (f *fault) start(beginNs int64, lease time.Duration) *problem {
	f.turn.Lock()
	defer f.turn.Unlock()
	failed := onEach(f.parts, func(p *part) error { return p.add(f.oursJSON) })
	if len(failed) == 0 && !f.waitUntil(beginNs) {
		f.undo()
		return &problem{Status: http.StatusConflict, Message: fmt.Sprintf("fault %q was ended before it began", f.id)}
	}
	if len(failed) == 0 && len(f.stockJSON) > 0 {
		failed = onEach(f.parts, func(p *part) error { return p.add(f.stockJSON) })
	}
	if len(failed) == 0 {
		failed = f.take(f.parts, actions[f.action])
	}
	if len(failed) > 0 {
		f.undo()
		return &problem{Status: http.StatusServiceUnavailable, Links: failed,
			Message: fmt.Sprintf("fault %q failed on %s and was undone on all links", f.id, names(failed))}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = faultOn
	f.leaseEnd = time.Now().Add(lease)
	f.lease = time.AfterFunc(lease, f.expire)
	return nil
}

// take makes the fault take effect on links that are armed: on all of them first, and only then what must follow on each.
func (f *fault) take(parts []*part, a action) map[string]string {
	for _, p := range parts {
		p.throw()
	}
	failed, rests := strikeAll(parts, a, f.id)
	maps.Copy(failed, onEach(parts, func(p *part) error {
		for _, rest := range rests[p] {
			if err := rest(); err != nil {
				return err
			}
		}
		return nil
	}))
	return failed
}

// waitUntil says false when the fault was ended meanwhile.
func (f *fault) waitUntil(beginNs int64) bool {
	wait := time.Duration(beginNs - monoNs())
	if beginNs == 0 || wait <= 0 {
		return true
	}
	b := newBell()
	theAlarm().set(b, time.Now().Add(wait))
	defer theAlarm().cancel(b)
	select {
	case <-b.ring:
		return true
	case <-f.cancel:
		return false
	}
}

// undo takes back whatever a failed start has done.
func (f *fault) undo() {
	for _, p := range f.parts {
		p.halt()
	}
	onEach(f.parts, func(p *part) error { return p.reopen(f.id) })
	onEach(f.parts, (*part).remove)
	f.mu.Lock()
	f.state = over
	f.mu.Unlock()
	f.lab.forget(f)
}

// end ends the fault on all its links, once, and gives the links on which something was stuck.
func (f *fault) end(because string) map[string]string {
	f.asked.Do(func() { close(f.cancel) })
	f.turn.Lock()
	defer f.turn.Unlock()
	f.mu.Lock()
	if f.state != faultOn {
		f.mu.Unlock()
		return nil
	}
	f.state, f.because = over, because
	f.lease.Stop()
	parts := f.parts
	for _, p := range parts {
		p.halt()
	}
	f.mu.Unlock()
	for _, p := range parts {
		p.there.Store(p.present())
	}
	failed := map[string]string{}
	if actions[f.action].shuts {
		maps.Copy(failed, onEach(parts, func(p *part) error { return p.reopen(f.id) }))
	}
	maps.Copy(failed, onEach(parts, (*part).remove))
	f.lab.retire(f)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range parts {
		p.problem = failed[p.link.name]
	}
	return failed
}

// expire ends the fault if its lease has truly run out: a renewal may have come while the timer rang.
func (f *fault) expire() {
	f.mu.Lock()
	late := time.Now().Before(f.leaseEnd)
	f.mu.Unlock()
	if !late {
		f.end("lease")
	}
}

// renew says false when the fault has ended.
func (f *fault) renew(lease time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state != faultOn {
		return false
	}
	f.leaseEnd = time.Now().Add(lease)
	f.lease.Reset(lease)
	return true
}

// rejoin brings links that were made again back under the fault.
func (f *fault) rejoin(current func(name string) *link) {
	if !f.turn.TryLock() {
		return // It is just beginning or ending; the next look comes soon.
	}
	defer f.turn.Unlock()
	if f.state != faultOn {
		return
	}
	for i, old := range f.parts {
		l := current(old.link.name)
		if l == nil || l == old.link {
			continue
		}
		again := &part{link: l}
		failed := onEach([]*part{again}, func(p *part) error { return p.add(slices.Concat(f.oursJSON, f.stockJSON)) })
		if len(failed) == 0 {
			a := actions[f.action]
			if !a.shuts {
				a = actions["none"] // What it did to live connections, it did once.
			}
			failed = f.take([]*part{again}, a)
		}
		f.mu.Lock()
		again.problem = failed[l.name]
		f.parts[i] = again
		f.mu.Unlock()
	}
}

func names(failed map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(failed)), ", ")
}

// retire moves a fault from those that are on to those that have ended.
func (lab *lab) retire(f *fault) {
	lab.mu.Lock()
	defer lab.mu.Unlock()
	delete(lab.on, f.id)
	lab.ended = slices.Insert(lab.ended, 0, f)
	if len(lab.ended) > endedLimit {
		lab.ended = slices.Delete(lab.ended, endedLimit, len(lab.ended))
	}
}

// forget drops a fault that never came to be.
func (lab *lab) forget(f *fault) {
	lab.mu.Lock()
	defer lab.mu.Unlock()
	delete(lab.on, f.id)
}
