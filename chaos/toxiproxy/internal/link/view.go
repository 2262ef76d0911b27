package link

import (
	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/internals"
)

// A Spec is a link as a client asks for it.
type Spec struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`
	Upstream string `json:"upstream"`
}

// A View is a link as GET shows it; the prober's connections count as probes alone. Of a stuck link, whether it is enabled and its toxics could not be read in time.
type View struct {
	Name            string   `json:"name"`
	Listen          string   `json:"listen"`
	Upstream        string   `json:"upstream"`
	Enabled         bool     `json:"enabled"`
	Connections     int      `json:"connections"`
	Probes          int      `json:"probes"`
	Accepted        int64    `json:"accepted"`
	BytesUpstream   int64    `json:"bytes_upstream"`
	BytesDownstream int64    `json:"bytes_downstream"`
	Waiting         int      `json:"waiting"`
	Stuck           bool     `json:"stuck"`
	Toxics          []string `json:"toxics"`
	Faults          []string `json:"faults"`
}

// View returns the link's view, without its faults.
func (l *Link) View() View {
	spec, enabled, fresh := l.Current()
	live, probes := l.Live(), 0
	for _, c := range live {
		if c.IsProbe {
			probes++
		}
	}
	v := View{
		Name: l.Name, Listen: spec.Listen, Upstream: spec.Upstream, Enabled: enabled, Connections: len(live) - probes, Probes: probes,
		Accepted: l.Accepted.Load() - l.probes.Load(), BytesUpstream: l.bytes[stream.Upstream].Load(), BytesDownstream: l.bytes[stream.Downstream].Load(),
		Waiting: waiting(l.Proxy), Stuck: !fresh, Faults: []string{}, Toxics: []string{},
	}
	if !LockWithin(l.Proxy.Toxics, viewTimeout) {
		v.Stuck = true
		return v
	}
	defer l.Proxy.Toxics.Unlock()
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		for _, wrapper := range internals.Chain(l.Proxy.Toxics, d)[1:] {
			v.Toxics = append(v.Toxics, wrapper.Name)
		}
	}
	return v
}
