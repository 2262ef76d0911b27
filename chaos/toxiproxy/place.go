package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// ours is what each of our toxics can do besides being one of Toxiproxy's.
type ours interface {
	toxics.Toxic
	settle(l *link, wrapper *toxics.ToxicWrapper, share float64)
	settled() bool
	begin()
	end()
	counters() map[string]int64
}

// settle tells a toxic where it is and which share of the connections it acts on, and introduces the live connections in the
// order in which they were accepted. The caller holds the lock of the link's toxic collection.
func (t *toxic[S]) settle(l *link, wrapper *toxics.ToxicWrapper, share float64) {
	t.link, t.upstream = l, wrapper.Direction == stream.Upstream
	t.place = fmt.Sprintf("%s/%s/%s", l.name, wrapper.Stream, wrapper.Type)
	t.share = share
	living := l.live()
	slices.SortFunc(living, func(a, b *connection) int { return cmp.Compare(a.number, b.number) })
	for _, c := range living {
		c.find(wrapper.Direction)
		p := c.pipelines[wrapper.Direction].Load()
		if p == nil {
			continue
		}
		for _, stub := range stubsOf(p) {
			if st, ok := stub.State.(*state); ok && st.owner == t && !stub.Closed() {
				t.meet(st, c, -1)
			}
		}
	}
}

func (t *toxic[S]) settled() bool { return t.link != nil }

func (t *toxic[S]) begin() { t.phase.CompareAndSwap(dormant, on) }

func (t *toxic[S]) end() {
	if t.phase.Swap(ended) != ended {
		close(t.ends())
	}
}

func (t *toxic[S]) counters() map[string]int64 {
	return map[string]int64{t.settings().counter(): t.hits.Load()}
}

// settleStrangers settles and begins those of our toxics that came through the stock API.
func (l *link) settleStrangers() {
	if !l.changing.TryLock() {
		return // Toxics come or go just now; the next look comes soon.
	}
	defer l.changing.Unlock()
	if !lockWithin(l.proxy.Toxics, lockTime) {
		return
	}
	defer l.proxy.Toxics.Unlock()
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		for i, wrapper := range chainOf(l.proxy.Toxics, d) {
			t, ok := wrapper.Toxic.(ours)
			if !ok || t.settled() {
				continue
			}
			// Toxiproxy draws a toxicity anew at each change on the link, and could take away a toxic that still holds
			// bytes. We draw it once a connection. (A copy, because the toxic runs with the original just now.)
			certain := *wrapper
			certain.Toxicity = 1
			chainOf(l.proxy.Toxics, d)[i] = &certain
			t.settle(l, &certain, float64(wrapper.Toxicity))
			if !catalogue[wrapper.Type].atDoor || d == stream.Upstream {
				t.begin()
			}
		}
	}
}
