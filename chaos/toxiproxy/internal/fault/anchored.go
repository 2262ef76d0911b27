package fault

import (
	"time"

	"stormlab/toxiproxy/internal/anchor"
	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

// An anchored is the anchor of a fault: the links on which it counts, and where it was reached.
type anchored struct {
	request *anchor.Request
	watch   *anchor.Watch // The first; each link has its own.
	links   []*link.Link
	watches []*anchor.Watch
	armedNs int64
	struck  *StruckView
}

// An AnchorView is the anchor of a fault as GET shows it.
type AnchorView struct {
	Links         []string    `json:"links"`
	ArmedAtMonoNs int64       `json:"armed_at_mono_ns"`
	Struck        *StruckView `json:"struck,omitempty"`
}

// A StruckView is where an anchor was reached.
type StruckView struct {
	Link       string `json:"link"`
	Connection int64  `json:"connection"` // Its number in the journal; 0 without one.
	Opened     int64  `json:"opened"`     // Its number among those that opened since the anchor was armed; 0: it was open.
	Stream     string `json:"stream"`
	Bytes      int64  `json:"bytes"` // Of the stream, that passed before.
	Frame      int64  `json:"frame"`
	Exact      bool   `json:"exact"`
	AtMonoNs   int64  `json:"at_mono_ns"`
}

const maxWaitMs = 10_000

// planAnchor checks the anchor of a request.
func (f *Fault) planAnchor(r *anchor.Request) *problem.Details {
	if p := checkLinks("when.links", r.Links); p != nil {
		return p
	}
	point, p := r.Point()
	if p != nil {
		return p
	}
	f.anchor = &anchored{request: r, watch: anchor.Arm(point)}
	return nil
}

// arm begins to count on all links of the anchor.
func (a *anchored) arm(strike func(link.Struck)) {
	a.armedNs = clock.MonoNs()
	for _, l := range a.links {
		w := a.watch.Again()
		a.watches = append(a.watches, w)
		l.Arm(w, strike)
	}
}

// disarm ends the counting.
func (a *anchored) disarm() {
	a.watch.Disarm()
	for i, w := range a.watches {
		a.links[i].Disarm(w)
	}
	a.watches = nil
}

// follow counts on those of the links that were made again.
func (a *anchored) follow(current func(name string) *link.Link, strike func(link.Struck)) {
	for i, old := range a.links {
		if l := current(old.Name); l != nil && l != old && i < len(a.watches) {
			a.links[i], a.watches[i] = l, a.watch.Again()
			l.Arm(a.watches[i], strike)
		}
	}
}

func (a *anchored) view() *AnchorView {
	return &AnchorView{Links: a.request.Links, ArmedAtMonoNs: a.armedNs, Struck: a.struck}
}

// strike makes a fault that waited for its anchor take effect, while the stream that reached it waits.
func (f *Fault) strike(at link.Struck) {
	f.changing.Lock()
	defer f.changing.Unlock()
	if f.state != armed {
		return
	}
	struck := &StruckView{
		Link: at.Link.Name, Opened: at.Opened, Stream: streamNames[at.Side], Bytes: at.Bytes, Frame: at.Frame, Exact: at.IsExact,
		AtMonoNs: clock.MonoNs(), Connection: at.Record(f.id),
	}
	failed := f.takeEffect()
	f.mu.Lock()
	f.anchor.disarm()
	f.anchor.struck, f.state = struck, on
	for _, p := range f.links {
		p.problem = failed[p.link.Name]
	}
	f.mu.Unlock()
	if len(failed) > 0 {
		f.finish("failed")
	}
	f.decide()
}

var streamNames = [...]string{"upstream", "downstream"}

// decide ends the waits for the anchor.
func (f *Fault) decide() { f.decidedOnce.Do(func() { close(f.decided) }) }

// wait returns when the fault no longer waits for its anchor, or after a time.
func (f *Fault) wait(within time.Duration) {
	f.mu.Lock()
	waits := f.anchor != nil && (f.state == arming || f.state == armed)
	f.mu.Unlock()
	if !waits {
		return
	}
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-f.decided:
	case <-limit.C:
	}
}
