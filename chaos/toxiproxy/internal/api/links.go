package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

// A LinksRequest asks for links.
type LinksRequest struct {
	Links        []link.Spec `json:"links"`
	RemoveOthers bool        `json:"remove_others"`
}

// A LinksAnswer names the links by what was done to them.
type LinksAnswer struct {
	Created  []string `json:"created"`
	Kept     []string `json:"kept"`
	Replaced []string `json:"replaced"`
	Removed  []string `json:"removed"`
}

func (r *LinksRequest) check() *problem.Details {
	seen := map[string]string{}
	for i, l := range r.Links {
		if l.Name == "" {
			return problem.BadRequest("links[%d].name is missing", i)
		}
		if _, err := net.ResolveTCPAddr("tcp", l.Listen); err != nil || l.Listen == "" {
			return problem.BadRequest("links[%d].listen of %s must be an address with a port, not %q", i, l.Name, l.Listen)
		}
		if _, port, err := net.SplitHostPort(l.Upstream); err != nil || port == "" {
			return problem.BadRequest("links[%d].upstream of %s must be host:port, not %q", i, l.Name, l.Upstream)
		}
		if _, twice := seen[l.Name]; twice {
			return problem.BadRequest("links[%d].name: %s is given twice", i, l.Name)
		}
		seen[l.Name] = l.Listen
	}
	return nil
}

// sameListen returns whether a proxy that listens at one address already listens at the other.
func sameListen(have, want string) bool {
	a, errA := net.ResolveTCPAddr("tcp", have)
	b, errB := net.ResolveTCPAddr("tcp", want)
	if errA != nil || errB != nil {
		return false
	}
	anywhere := func(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }
	return (a.Port == b.Port || b.Port == 0) && (anywhere(a.IP) && anywhere(b.IP) || a.IP.Equal(b.IP))
}

// ensure makes the links that do not exist as requested, and keeps those that do. When one fails, what was done is undone.
func (s *Server) ensure(r *LinksRequest) (*LinksAnswer, *problem.Details) {
	if p := r.check(); p != nil {
		return nil, p
	}
	for _, want := range r.Links {
		if p := s.forbids(want.Upstream); p != nil {
			return nil, p
		}
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.Links.Refresh()
	answer := &LinksAnswer{[]string{}, []string{}, []string{}, []string{}}
	var undo []func()
	for _, want := range r.Links {
		have := s.Links.Get(want.Name)
		var before link.Spec
		if have != nil {
			before, _, _ = have.Current()
		}
		if sameListen(before.Listen, want.Listen) && before.Upstream == want.Upstream {
			answer.Kept = append(answer.Kept, want.Name)
			continue
		}
		if have != nil {
			if err := s.remove(want.Name); err != nil {
				return nil, s.failed(want.Name, err, undo)
			}
			undo = append(undo, func() { _ = s.create(before) })
			answer.Replaced = append(answer.Replaced, want.Name)
		} else {
			answer.Created = append(answer.Created, want.Name)
		}
		if err := s.create(want); err != nil {
			return nil, s.failed(want.Name, err, undo)
		}
		undo = append(undo, func() { _ = s.remove(want.Name) })
	}
	if r.RemoveOthers {
		for _, l := range s.Links.All() {
			if slices.ContainsFunc(r.Links, func(spec link.Spec) bool { return spec.Name == l.Name }) {
				continue
			}
			if err := s.remove(l.Name); err != nil {
				return nil, s.failed(l.Name, err, nil)
			}
			answer.Removed = append(answer.Removed, l.Name)
		}
	}
	s.catchUp()
	return answer, nil
}

func (s *Server) failed(name string, err error, undo []func()) *problem.Details {
	for _, step := range slices.Backward(undo) {
		step()
	}
	s.catchUp()
	status := http.StatusConflict
	if errors.Is(err, link.ErrDialing) {
		status = http.StatusServiceUnavailable
	}
	return &problem.Details{Status: status, Links: map[string]string{name: err.Error()},
		Message: fmt.Sprintf("link %s: %v; the links made by this call were removed again", name, err)}
}

// create makes a proxy that is adopted before it accepts its first connection.
func (s *Server) create(spec link.Spec) error {
	proxy := toxiproxy.NewProxy(s.stock, spec.Name, spec.Listen, spec.Upstream)
	if err := link.Within(link.Timeout, func() error { return s.stock.Collection.Add(proxy, false) }); err != nil {
		return err
	}
	s.Links.Add(spec.Name, proxy)
	if err := proxy.Start(); err != nil {
		return errors.Join(err, s.remove(spec.Name))
	}
	if l := s.Links.Get(spec.Name); l != nil {
		l.Current()
	}
	return nil
}

func (s *Server) remove(name string) error {
	err := link.Within(link.Timeout, func() error { return s.stock.Collection.Remove(name) })
	if l := s.Links.Get(name); l != nil && err == nil {
		s.Links.Remove(l)
	}
	return err
}

// A LinksView is all links as GET shows them.
type LinksView struct {
	Links []link.View `json:"links"`
}

func (s *Server) links() LinksView {
	faults := map[string][]string{}
	for _, f := range s.Faults.List().On {
		for _, p := range f.Links {
			faults[p.Link] = append(faults[p.Link], f.ID)
		}
	}
	v := LinksView{[]link.View{}}
	for _, l := range s.Links.All() {
		one := l.View()
		one.Faults = append(one.Faults, faults[l.Name]...)
		v.Links = append(v.Links, one)
	}
	return v
}
