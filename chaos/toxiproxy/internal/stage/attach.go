package stage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/link"
)

// A Toxic is what each of our toxics can do besides being one of Toxiproxy's.
type Toxic interface {
	toxics.Toxic
	// Attach binds the toxic to its link, with the share of the connections on which it acts. The caller holds the lock of the
	// link's toxic collection.
	Attach(l *link.Link, wrapper *toxics.ToxicWrapper, share float64)
	Attached() bool
	// Begin makes an attached toxic act.
	Begin()
	// End stops it for good; what it holds is released.
	End()
	// Counters returns its counters by their names.
	Counters() map[string]int64
}

// Attach implements Toxic. The live connections are numbered in the order in which they were accepted.
func (r *Runner[S]) Attach(l *link.Link, wrapper *toxics.ToxicWrapper, share float64) {
	r.link, r.upstream = l, wrapper.Direction == stream.Upstream
	r.place = fmt.Sprintf("%s/%s/%s", l.Name, wrapper.Stream, wrapper.Type)
	r.share = share
	live := l.Live()
	slices.SortFunc(live, func(a, b *link.Connection) int { return cmp.Compare(a.Number, b.Number) })
	for _, c := range live {
		c.FindPipeline(wrapper.Direction)
		p := c.Pipeline(wrapper.Direction)
		if p == nil {
			continue
		}
		for _, stub := range internals.Stubs(p) {
			if st, ok := stub.State.(*state); ok && st.owner == r && !stub.Closed() {
				r.register(st, c, -1)
			}
		}
	}
}

// Attached implements Toxic.
func (r *Runner[S]) Attached() bool { return r.link != nil }

// Begin implements Toxic.
func (r *Runner[S]) Begin() { r.phase.CompareAndSwap(dormant, on) }

// End implements Toxic.
func (r *Runner[S]) End() {
	if r.phase.Swap(ended) != ended {
		close(r.endSignal())
	}
}

// Counters implements Toxic.
func (r *Runner[S]) Counters() map[string]int64 {
	return map[string]int64{r.settings().Counter(): r.hits.Load()}
}
