package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
)

type linkSpec struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`
	Upstream string `json:"upstream"`
}

type linksRequest struct {
	Links        []linkSpec `json:"links"`
	RemoveOthers bool       `json:"remove_others"`
}

type linksAnswer struct {
	Created  []string `json:"created"`
	Kept     []string `json:"kept"`
	Replaced []string `json:"replaced"`
	Removed  []string `json:"removed"`
}

func (r *linksRequest) check() *problem {
	seen := map[string]string{}
	for i, l := range r.Links {
		if l.Name == "" {
			return wrong("links[%d].name is missing", i)
		}
		if _, err := net.ResolveTCPAddr("tcp", l.Listen); err != nil || l.Listen == "" {
			return wrong("links[%d].listen of %s must be an address with a port, not %q", i, l.Name, l.Listen)
		}
		if _, port, err := net.SplitHostPort(l.Upstream); err != nil || port == "" {
			return wrong("links[%d].upstream of %s must be host:port, not %q", i, l.Name, l.Upstream)
		}
		if _, twice := seen[l.Name]; twice {
			return wrong("links[%d].name: %s is given twice", i, l.Name)
		}
		seen[l.Name] = l.Listen
	}
	return nil
}

// sameListen says whether a proxy that listens at one address need not be moved to listen at the other.
func sameListen(have, want string) bool {
	a, errA := net.ResolveTCPAddr("tcp", have)
	b, errB := net.ResolveTCPAddr("tcp", want)
	if errA != nil || errB != nil {
		return false
	}
	anywhere := func(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }
	return (a.Port == b.Port || b.Port == 0) && (anywhere(a.IP) && anywhere(b.IP) || a.IP.Equal(b.IP))
}

// ensure makes the links that are not there as asked, and leaves those that are alone. What it has done is undone when one fails.
func (lab *lab) ensure(r *linksRequest) (*linksAnswer, *problem) {
	if p := r.check(); p != nil {
		return nil, p
	}
	for _, want := range r.Links {
		if p := lab.forbids(want.Upstream); p != nil {
			return nil, p
		}
	}
	lab.making.Lock()
	defer lab.making.Unlock()
	lab.registry.refresh()
	answer := &linksAnswer{[]string{}, []string{}, []string{}, []string{}}
	var undo []func()
	for _, want := range r.Links {
		have := lab.registry.get(want.Name)
		var before linkSpec
		if have != nil {
			before, _, _ = have.look()
		}
		if sameListen(before.Listen, want.Listen) && before.Upstream == want.Upstream {
			answer.Kept = append(answer.Kept, want.Name)
			continue
		}
		if have != nil {
			if err := lab.remove(want.Name); err != nil {
				return nil, lab.failed(want.Name, err, undo)
			}
			undo = append(undo, func() { _ = lab.create(before) })
			answer.Replaced = append(answer.Replaced, want.Name)
		} else {
			answer.Created = append(answer.Created, want.Name)
		}
		if err := lab.create(want); err != nil {
			return nil, lab.failed(want.Name, err, undo)
		}
		undo = append(undo, func() { _ = lab.remove(want.Name) })
	}
	if r.RemoveOthers {
		for _, l := range lab.registry.all() {
			if slices.ContainsFunc(r.Links, func(s linkSpec) bool { return s.Name == l.name }) {
				continue
			}
			if err := lab.remove(l.name); err != nil {
				return nil, lab.failed(l.name, err, nil)
			}
			answer.Removed = append(answer.Removed, l.name)
		}
	}
	lab.catchUp()
	return answer, nil
}

func (lab *lab) failed(name string, err error, undo []func()) *problem {
	for _, step := range slices.Backward(undo) {
		step()
	}
	lab.catchUp()
	status := http.StatusConflict
	if errors.Is(err, errDialing) {
		status = http.StatusServiceUnavailable
	}
	return &problem{Status: status, Links: map[string]string{name: err.Error()},
		Message: fmt.Sprintf("link %s: %v; the links made by this call were removed again", name, err)}
}

// create makes a proxy that is adopted before it accepts its first connection.
func (lab *lab) create(s linkSpec) error {
	proxy := toxiproxy.NewProxy(lab.server, s.Name, s.Listen, s.Upstream)
	if err := within(linkTime, func() error { return lab.server.Collection.Add(proxy, false) }); err != nil {
		return err
	}
	lab.registry.take(s.Name, proxy)
	if err := proxy.Start(); err != nil {
		return errors.Join(err, lab.remove(s.Name))
	}
	if l := lab.registry.get(s.Name); l != nil {
		l.look()
	}
	return nil
}

func (lab *lab) remove(name string) error {
	err := within(linkTime, func() error { return lab.server.Collection.Remove(name) })
	if l := lab.registry.get(name); l != nil && err == nil {
		lab.registry.drop(l)
	}
	return err
}

type linksView struct {
	Links []linkView `json:"links"`
}

func (lab *lab) links() linksView {
	faults := map[string][]string{}
	for _, f := range lab.faults().On {
		for _, p := range f.Links {
			faults[p.Link] = append(faults[p.Link], f.ID)
		}
	}
	v := linksView{[]linkView{}}
	for _, l := range lab.registry.all() {
		one := l.view()
		one.Faults = append(one.Faults, faults[l.name]...)
		v.Links = append(v.Links, one)
	}
	return v
}

func (l *link) view() linkView {
	spec, enabled, fresh := l.look()
	v := linkView{
		Name: l.name, Listen: spec.Listen, Upstream: spec.Upstream, Enabled: enabled, Connections: len(l.live()),
		Accepted: l.accepted.Load(), BytesUpstream: l.bytes[stream.Upstream].Load(), BytesDownstream: l.bytes[stream.Downstream].Load(),
		Waiting: waiting(l.proxy), Stuck: !fresh, Faults: []string{}, Toxics: []string{},
	}
	if !lockWithin(l.proxy.Toxics, viewTime) {
		v.Stuck = true
		return v
	}
	defer l.proxy.Toxics.Unlock()
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		for _, wrapper := range chainOf(l.proxy.Toxics, d)[1:] {
			v.Toxics = append(v.Toxics, wrapper.Name)
		}
	}
	return v
}
