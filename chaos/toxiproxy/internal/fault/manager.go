package fault

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

// A Manager has the faults that are on, and the last that have ended.
type Manager struct {
	links *link.Registry

	mu    sync.Mutex
	on    map[string]*Fault
	ended []*Fault // Newest first.
}

// endedLimit bounds the number of ended faults that are kept.
const endedLimit = 256

// NewManager makes a manager of faults on the links of a registry.
func NewManager(links *link.Registry) *Manager {
	return &Manager{links: links, on: map[string]*Fault{}}
}

// Begin begins the fault of a request, on all its links or none.
func (m *Manager) Begin(r *Request) (*View, *problem.Details) {
	f, p := r.plan(clock.MonoNs())
	if p != nil {
		return nil, p
	}
	f.manager = m
	m.links.Refresh()
	missing := map[string]string{}
	find := func(name string) *link.Link {
		l := m.links.Get(name)
		if l == nil {
			missing[name] = "no such link"
		}
		return l
	}
	for _, name := range r.Links {
		f.links = append(f.links, &linkFault{link: find(name)})
	}
	if f.anchor != nil {
		for _, name := range r.When.Links {
			f.anchor.links = append(f.anchor.links, find(name))
		}
	}
	if len(missing) > 0 {
		return nil, &problem.Details{Status: http.StatusNotFound, Links: missing, Message: "no such link: " + names(missing)}
	}
	m.mu.Lock()
	if m.on[f.id] != nil {
		m.mu.Unlock()
		return nil, &problem.Details{Status: http.StatusConflict, Message: fmt.Sprintf("fault %q is on already", f.id)}
	}
	m.on[f.id] = f
	m.mu.Unlock()
	if p := f.start(r.BeginAtMonoNs, time.Duration(r.LeaseMs)*time.Millisecond); p != nil {
		return nil, p
	}
	return f.View(), nil
}

// Find returns a fault that is on, or one that ended not long ago.
func (m *Manager) Find(id string) (*Fault, *problem.Details) {
	if f := m.recent(id); f != nil {
		return f, nil
	}
	return nil, &problem.Details{Status: http.StatusNotFound, Message: fmt.Sprintf("no fault %q is known", id)}
}

// Renew makes the lease of a fault last leaseMs from now.
func (m *Manager) Renew(id string, leaseMs int64) (*View, *problem.Details) {
	if p := checkLease(leaseMs); p != nil {
		return nil, p
	}
	f, p := m.Find(id)
	if p != nil {
		return nil, p
	}
	if !f.renew(time.Duration(leaseMs) * time.Millisecond) {
		return nil, &problem.Details{Status: http.StatusGone, Message: fmt.Sprintf("fault %q is not on any more", id)}
	}
	return f.View(), nil
}

// Wait returns a fault once it no longer waits for its anchor, and in any case after withinMs.
func (m *Manager) Wait(id string, withinMs int64) (*View, *problem.Details) {
	if withinMs < 0 || withinMs > maxWaitMs {
		return nil, problem.BadRequest("within_ms must be between 0 and %d, not %d", maxWaitMs, withinMs)
	}
	f, p := m.Find(id)
	if p != nil {
		return nil, p
	}
	f.wait(time.Duration(withinMs) * time.Millisecond)
	return f.View(), nil
}

// End ends a fault; one that has ended stays as it is.
func (m *Manager) End(id string) (*View, *problem.Details) {
	f, p := m.Find(id)
	if p != nil {
		return nil, p
	}
	f.end("deleted")
	return f.View(), nil
}

// A ListView is all faults as GET shows them.
type ListView struct {
	On    []*View `json:"on"`
	Ended []*View `json:"ended"`
}

// List returns the views of the faults that are on, by id, and of those that have ended, newest first.
func (m *Manager) List() ListView {
	running := m.running()
	slices.SortFunc(running, func(a, b *Fault) int { return cmp.Compare(a.id, b.id) })
	m.mu.Lock()
	ended := slices.Clone(m.ended)
	m.mu.Unlock()
	return ListView{views(running), views(ended)}
}

func views(faults []*Fault) []*View {
	all := make([]*View, len(faults))
	for i, f := range faults {
		all[i] = f.View()
	}
	return all
}

// A HealView is what Heal did.
type HealView struct {
	Faults         []string `json:"faults"`
	Toxics         int      `json:"toxics"`
	Enabled        []string `json:"enabled"`
	Stuck          []string `json:"stuck"`
	HealedAtMonoNs int64    `json:"healed_at_mono_ns"`
}

// Heal ends every fault, removes every toxic, those of the stock API too, and enables every link.
func (m *Manager) Heal() HealView {
	healed := HealView{Faults: []string{}, Enabled: []string{}}
	for _, f := range m.running() {
		f.end("heal")
		healed.Faults = append(healed.Faults, f.id)
	}
	m.links.Refresh()
	var mu sync.Mutex
	links := []*linkFault{}
	for _, l := range m.links.All() {
		links = append(links, &linkFault{link: l})
	}
	failed := onEach(links, func(p *linkFault) error {
		p.link.Changing.Lock()
		defer p.link.Changing.Unlock()
		toxics := len(p.link.Proxy.Toxics.GetToxicArray())
		p.link.Proxy.Toxics.ResetToxics(context.Background())
		opened, err := p.link.Gate.ForceOpen(p.link.Proxy)
		mu.Lock()
		defer mu.Unlock()
		healed.Toxics += toxics
		if opened {
			healed.Enabled = append(healed.Enabled, p.link.Name)
		}
		return err
	})
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(healed.Faults)
	slices.Sort(healed.Enabled)
	healed.Stuck = append([]string{}, slices.Sorted(maps.Keys(failed))...)
	healed.HealedAtMonoNs = clock.MonoNs()
	return healed
}

// Rejoin applies the faults that are on to those of their links that were made again.
func (m *Manager) Rejoin() {
	for _, f := range m.running() {
		f.rejoin(m.links.Get)
	}
}

// Count returns the number of faults that are on, those that are being armed among them.
func (m *Manager) Count() int { return len(m.running()) }

func (m *Manager) running() []*Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	faults := make([]*Fault, 0, len(m.on))
	for _, f := range m.on {
		faults = append(faults, f)
	}
	return faults
}

// IsOn returns whether a fault is on, or is being armed.
func (m *Manager) IsOn(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on[id] != nil
}

func (m *Manager) recent(id string) *Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.on[id]; f != nil {
		return f
	}
	for _, f := range m.ended {
		if f.id == id {
			return f
		}
	}
	return nil
}

// retire moves a fault from those that are on to those that have ended.
func (m *Manager) retire(f *Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.on, f.id)
	m.ended = slices.Insert(m.ended, 0, f)
	if len(m.ended) > endedLimit {
		m.ended = slices.Delete(m.ended, endedLimit, len(m.ended))
	}
}

// drop removes a fault that did not begin.
func (m *Manager) drop(f *Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.on, f.id)
}
