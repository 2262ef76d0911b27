package fault

import (
	"time"
)

// A View is a fault as GET shows it.
type View struct {
	ID            string      `json:"id"`
	State         string      `json:"state"`
	Seed          int64       `json:"seed"`
	Action        string      `json:"action"`
	LeaseLeftMs   int64       `json:"lease_left_ms"`
	BeganAtMonoNs int64       `json:"began_at_mono_ns"`
	SpreadNs      int64       `json:"spread_ns"`
	EndedAtMonoNs int64       `json:"ended_at_mono_ns,omitempty"`
	EndedBecause  string      `json:"ended_because,omitempty"`
	Links         []LinkView  `json:"links"`
	Anchor        *AnchorView `json:"anchor,omitempty"`
}

// A LinkView is a fault on one link.
type LinkView struct {
	Link           string      `json:"link"`
	BeganAtMonoNs  int64       `json:"began_at_mono_ns"`
	EndedAtMonoNs  int64       `json:"ended_at_mono_ns,omitempty"`
	ConnectionsHit int64       `json:"connections_hit"`
	Present        bool        `json:"present"`
	Problem        string      `json:"problem,omitempty"`
	Toxics         []ToxicView `json:"toxics"`
}

// A ToxicView is one toxic of a fault, with its counters.
type ToxicView struct {
	Name     string           `json:"name"`
	Type     string           `json:"type"`
	Stream   string           `json:"stream"`
	Toxicity float64          `json:"toxicity"`
	Counters map[string]int64 `json:"counters,omitempty"`
}

// View returns the fault as it is now.
func (f *Fault) View() *View {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := &View{ID: f.id, State: f.state, Seed: f.seed, Action: f.action, EndedBecause: f.because, Links: []LinkView{}}
	if f.state == arming {
		return v
	}
	if f.anchor != nil {
		v.Anchor = f.anchor.view()
	}
	if f.state == on || f.state == armed {
		v.LeaseLeftMs = max(time.Until(f.leaseEnd).Milliseconds(), 0)
	}
	var last int64
	for _, p := range f.links {
		one := p.view(f.state == on || f.state == armed)
		v.Links = append(v.Links, one)
		if v.BeganAtMonoNs == 0 || one.BeganAtMonoNs < v.BeganAtMonoNs {
			v.BeganAtMonoNs = one.BeganAtMonoNs
		}
		last = max(last, one.BeganAtMonoNs)
		v.EndedAtMonoNs = max(v.EndedAtMonoNs, one.EndedAtMonoNs)
	}
	v.SpreadNs = last - v.BeganAtMonoNs
	return v
}

func (p *linkFault) view(isOn bool) LinkView {
	present := p.wasPresent.Load()
	if isOn {
		present = p.present()
	}
	v := LinkView{
		Link: p.link.Name, BeganAtMonoNs: p.beganNs.Load(), EndedAtMonoNs: p.endedNs.Load(), ConnectionsHit: p.hit.Load(),
		Present: present, Problem: p.problem, Toxics: []ToxicView{},
	}
	for _, t := range p.toxics {
		one := ToxicView{Name: t.wrapper.Name, Type: t.wrapper.Type, Stream: t.wrapper.Stream, Toxicity: t.share}
		if t.ours != nil {
			one.Counters = t.ours.Counters()
		}
		v.Toxics = append(v.Toxics, one)
	}
	return v
}
