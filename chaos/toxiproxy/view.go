package main

import (
	"time"
)

// A faultView is a fault as GET shows it.
type faultView struct {
	ID            string     `json:"id"`
	State         string     `json:"state"`
	Seed          int64      `json:"seed"`
	Action        string     `json:"action"`
	LeaseLeftMs   int64      `json:"lease_left_ms"`
	BeganAtMonoNs int64      `json:"began_at_mono_ns"`
	SpreadNs      int64      `json:"spread_ns"`
	EndedAtMonoNs int64      `json:"ended_at_mono_ns,omitempty"`
	EndedBecause  string     `json:"ended_because,omitempty"`
	Links         []partView `json:"links"`
}

type partView struct {
	Link           string      `json:"link"`
	BeganAtMonoNs  int64       `json:"began_at_mono_ns"`
	EndedAtMonoNs  int64       `json:"ended_at_mono_ns,omitempty"`
	ConnectionsHit int64       `json:"connections_hit"`
	Present        bool        `json:"present"`
	Problem        string      `json:"problem,omitempty"`
	Toxics         []toxicView `json:"toxics"`
}

type toxicView struct {
	Name     string           `json:"name"`
	Type     string           `json:"type"`
	Stream   string           `json:"stream"`
	Toxicity float64          `json:"toxicity"`
	Counters map[string]int64 `json:"counters,omitempty"`
}

func (f *fault) view() *faultView {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := &faultView{ID: f.id, State: f.state, Seed: f.seed, Action: f.action, EndedBecause: f.because, Links: []partView{}}
	if f.state == arming {
		return v
	}
	if f.state == faultOn {
		v.LeaseLeftMs = max(time.Until(f.leaseEnd).Milliseconds(), 0)
	}
	var last int64
	for _, p := range f.parts {
		one := p.view(f.state == faultOn)
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

func (p *part) view(isOn bool) partView {
	there := p.there.Load()
	if isOn {
		there = p.present()
	}
	v := partView{
		Link: p.link.name, BeganAtMonoNs: p.beganNs.Load(), EndedAtMonoNs: p.endedNs.Load(), ConnectionsHit: p.hit.Load(),
		Present: there, Problem: p.problem, Toxics: []toxicView{},
	}
	for _, t := range p.toxics {
		one := toxicView{Name: t.wrapper.Name, Type: t.wrapper.Type, Stream: t.wrapper.Stream, Toxicity: t.share}
		if t.ours != nil {
			one.Counters = t.ours.counters()
		}
		v.Toxics = append(v.Toxics, one)
	}
	return v
}

// A linkView is a link as GET shows it. Of a stuck link, whether it is enabled and its toxics could not be read in time.
type linkView struct {
	Name            string   `json:"name"`
	Listen          string   `json:"listen"`
	Upstream        string   `json:"upstream"`
	Enabled         bool     `json:"enabled"`
	Connections     int      `json:"connections"`
	Accepted        int64    `json:"accepted"`
	BytesUpstream   int64    `json:"bytes_upstream"`
	BytesDownstream int64    `json:"bytes_downstream"`
	Waiting         int      `json:"waiting"`
	Stuck           bool     `json:"stuck"`
	Toxics          []string `json:"toxics"`
	Faults          []string `json:"faults"`
}
