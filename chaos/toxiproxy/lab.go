package main

import (
	"context"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

// A lab is our half of the server: the links, and the faults that are on.
type lab struct {
	server   *toxiproxy.ApiServer
	registry *registry
	making   sync.Mutex // One PUT /lab/links at a time.

	upstreams []string // The only ones that links may lead to; none: any. Not changed after the start.

	mu    sync.Mutex
	on    map[string]*fault
	ended []*fault // Newest first.
}

// endedLimit is how many ended faults are remembered.
const endedLimit = 256

func newLab(server *toxiproxy.ApiServer) *lab {
	return &lab{server: server, registry: newRegistry(server), on: map[string]*fault{}}
}

// lookEvery is how often the lab looks for what nobody tells it: proxies and connections that came and went.
const lookEvery = 250 * time.Millisecond

func (lab *lab) watch(until context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-until.Done():
			return
		case <-tick.C:
		}
		lab.catchUp()
		for _, l := range lab.registry.all() {
			l.settleStrangers()
			l.live()
			l.door.keep(l.proxy, lab.isOn)
			l.reviveIfDead(time.Now())
		}
	}
}

// catchUp takes over what was done through the stock API: new proxies get our entrances, and a link that was made again comes
// back under the faults that are on.
func (lab *lab) catchUp() {
	lab.registry.refresh()
	for _, f := range lab.running() {
		f.rejoin(lab.registry.get)
	}
}

func (lab *lab) running() []*fault {
	lab.mu.Lock()
	defer lab.mu.Unlock()
	faults := make([]*fault, 0, len(lab.on))
	for _, f := range lab.on {
		faults = append(faults, f)
	}
	return faults
}

func (lab *lab) isOn(id string) bool {
	lab.mu.Lock()
	defer lab.mu.Unlock()
	return lab.on[id] != nil
}

// known finds a fault that is on, or one that ended not long ago.
func (lab *lab) known(id string) *fault {
	lab.mu.Lock()
	defer lab.mu.Unlock()
	if f := lab.on[id]; f != nil {
		return f
	}
	for _, f := range lab.ended {
		if f.id == id {
			return f
		}
	}
	return nil
}
