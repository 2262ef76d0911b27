package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// begin makes the fault that a request asks for, on all its links or none.
func (lab *lab) begin(r *faultRequest) (*faultView, *problem) {
	f, p := r.plan(monoNs())
	if p != nil {
		return nil, p
	}
	f.lab = lab
	lab.registry.refresh()
	missing := map[string]string{}
	for _, name := range r.Links {
		if l := lab.registry.get(name); l != nil {
			f.parts = append(f.parts, &part{link: l})
		} else {
			missing[name] = "no such link"
		}
	}
	if len(missing) > 0 {
		return nil, &problem{Status: http.StatusNotFound, Links: missing, Message: "no such link: " + names(missing)}
	}
	lab.mu.Lock()
	if lab.on[f.id] != nil {
		lab.mu.Unlock()
		return nil, &problem{Status: http.StatusConflict, Message: fmt.Sprintf("fault %q is on already", f.id)}
	}
	lab.on[f.id] = f
	lab.mu.Unlock()
	if p := f.start(r.BeginAtMonoNs, time.Duration(r.LeaseMs)*time.Millisecond); p != nil {
		return nil, p
	}
	return f.view(), nil
}

func (lab *lab) find(id string) (*fault, *problem) {
	if f := lab.known(id); f != nil {
		return f, nil
	}
	return nil, &problem{Status: http.StatusNotFound, Message: fmt.Sprintf("no fault %q is known", id)}
}

func (lab *lab) renew(id string, leaseMs int64) (*faultView, *problem) {
	if p := checkLease(leaseMs); p != nil {
		return nil, p
	}
	f, p := lab.find(id)
	if p != nil {
		return nil, p
	}
	if !f.renew(time.Duration(leaseMs) * time.Millisecond) {
		return nil, &problem{Status: http.StatusGone, Message: fmt.Sprintf("fault %q is not on any more", id)}
	}
	return f.view(), nil
}

func (lab *lab) end(id string) (*faultView, *problem) {
	f, p := lab.find(id)
	if p != nil {
		return nil, p
	}
	f.end("deleted")
	return f.view(), nil
}

type faultsView struct {
	On    []*faultView `json:"on"`
	Ended []*faultView `json:"ended"`
}

func (lab *lab) faults() faultsView {
	running := lab.running()
	slices.SortFunc(running, func(a, b *fault) int { return cmp.Compare(a.id, b.id) })
	lab.mu.Lock()
	ended := slices.Clone(lab.ended)
	lab.mu.Unlock()
	return faultsView{views(running), views(ended)}
}

func views(faults []*fault) []*faultView {
	all := make([]*faultView, len(faults))
	for i, f := range faults {
		all[i] = f.view()
	}
	return all
}

type healView struct {
	Faults         []string `json:"faults"`
	Toxics         int      `json:"toxics"`
	Enabled        []string `json:"enabled"`
	Stuck          []string `json:"stuck"`
	HealedAtMonoNs int64    `json:"healed_at_mono_ns"`
}

// heal turns everything off on every link, whoever turned it on.
func (lab *lab) heal() healView {
	healed := healView{Faults: []string{}, Enabled: []string{}}
	for _, f := range lab.running() {
		f.end("heal")
		healed.Faults = append(healed.Faults, f.id)
	}
	lab.registry.refresh()
	var mu sync.Mutex
	parts := []*part{}
	for _, l := range lab.registry.all() {
		parts = append(parts, &part{link: l})
	}
	failed := onEach(parts, func(p *part) error {
		p.link.changing.Lock()
		defer p.link.changing.Unlock()
		toxics := len(p.link.proxy.Toxics.GetToxicArray())
		p.link.proxy.Toxics.ResetToxics(context.Background())
		opened, err := p.link.door.reopen(p.link.proxy)
		mu.Lock()
		defer mu.Unlock()
		healed.Toxics += toxics
		if opened {
			healed.Enabled = append(healed.Enabled, p.link.name)
		}
		return err
	})
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(healed.Faults)
	slices.Sort(healed.Enabled)
	healed.Stuck = append([]string{}, slices.Sorted(maps.Keys(failed))...)
	healed.HealedAtMonoNs = monoNs()
	return healed
}
