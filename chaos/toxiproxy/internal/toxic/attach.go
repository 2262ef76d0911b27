package toxic

import (
	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/stage"
)

// AttachNew attaches and begins those of our toxics on a link that were added through the stock API.
func AttachNew(l *link.Link) {
	if !l.Changing.TryLock() {
		return // Toxics are being added or removed; the next call comes soon.
	}
	defer l.Changing.Unlock()
	if !link.LockWithin(l.Proxy.Toxics, link.LockTimeout) {
		return
	}
	defer l.Proxy.Toxics.Unlock()
	for d := stream.Upstream; d < stream.NumDirections; d++ {
		for i, wrapper := range internals.Chain(l.Proxy.Toxics, d) {
			t, ok := wrapper.Toxic.(stage.Toxic)
			if !ok || t.Attached() {
				continue
			}
			// Toxiproxy draws a toxicity again at each change on the link, and could take away a toxic that still holds
			// bytes. Ours is drawn once for each connection. (A copy, because the toxic runs with the original just now.)
			certain := *wrapper
			certain.Toxicity = 1
			internals.Chain(l.Proxy.Toxics, d)[i] = &certain
			t.Attach(l, &certain, float64(wrapper.Toxicity))
			if !Catalogue[wrapper.Type].OnConnect || d == stream.Upstream {
				t.Begin()
			}
		}
	}
}
