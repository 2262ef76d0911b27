package fault

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/anchor"
	"stormlab/toxiproxy/internal/problem"
	"stormlab/toxiproxy/internal/toxic"
)

// A ToxicSpec is a toxic as the stock API reads it.
type ToxicSpec struct {
	Name       string          `json:"name,omitempty"`
	Type       string          `json:"type"`
	Stream     string          `json:"stream"`
	Toxicity   *float64        `json:"toxicity,omitempty"`
	Attributes json.RawMessage `json:"attributes,omitempty"`

	share float64 // The toxicity. Our toxics draw it themselves, once for each connection.
}

// A Request asks for a fault.
type Request struct {
	ID            string          `json:"id"`
	Links         []string        `json:"links"`
	Toxics        []ToxicSpec     `json:"toxics"`
	Action        string          `json:"action"`
	LeaseMs       int64           `json:"lease_ms"`
	BeginAtMonoNs int64           `json:"begin_at_mono_ns"`
	Seed          int64           `json:"seed"`
	When          *anchor.Request `json:"when"`
}

const (
	minLeaseMs   = 100
	maxLeaseMs   = 3_600_000
	maxAhead     = 20 * time.Second
	maxToxics    = 16
	streamsWords = "upstream, downstream or both"
)

var faultID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func checkLease(leaseMs int64) *problem.Details {
	if leaseMs < minLeaseMs || leaseMs > maxLeaseMs {
		return problem.BadRequest("lease_ms must be between %d and %d, not %d", minLeaseMs, maxLeaseMs, leaseMs)
	}
	return nil
}

// checkLinks checks a list of links: each once, at least one.
func checkLinks(where string, links []string) *problem.Details {
	if len(links) == 0 {
		return problem.BadRequest("%s must name at least one link", where)
	}
	seen := map[string]bool{}
	for _, name := range links {
		if seen[name] {
			return problem.BadRequest("%s names %q twice", where, name)
		}
		seen[name] = true
	}
	return nil
}

// plan checks what can be checked without the links, and makes the fault of the request.
func (r *Request) plan(nowNs int64) (*Fault, *problem.Details) {
	if !faultID.MatchString(r.ID) {
		return nil, problem.BadRequest("id must be 1 to 64 letters, digits, - or _, not %q", r.ID)
	}
	if p := checkLinks("links", r.Links); p != nil {
		return nil, p
	}
	if r.Action == "" {
		r.Action = "none"
	}
	if _, known := actions[r.Action]; !known {
		return nil, problem.BadRequest("action must be one of %s, not %q", strings.Join(slices.Sorted(maps.Keys(actions)), ", "), r.Action)
	}
	if r.Action == "none" && len(r.Toxics) == 0 && r.When == nil {
		return nil, problem.BadRequest("a fault needs toxics or an action, or an anchor in when")
	}
	if len(r.Toxics) > maxToxics {
		return nil, problem.BadRequest("toxics must be at most %d, not %d", maxToxics, len(r.Toxics))
	}
	if p := checkLease(r.LeaseMs); p != nil {
		return nil, p
	}
	if ahead := time.Duration(r.BeginAtMonoNs - nowNs); ahead > maxAhead {
		return nil, problem.BadRequest("begin_at_mono_ns must be at most %s ahead, not %s", maxAhead, ahead)
	}
	f := &Fault{id: r.ID, seed: r.Seed, action: r.Action, state: arming, cancel: make(chan struct{}), decided: make(chan struct{})}
	if r.When != nil {
		if p := f.planAnchor(r.When); p != nil {
			return nil, p
		}
	}
	for i, t := range slices.Concat(r.Toxics, actions[r.Action].toxics) {
		if p := f.plan(i, t); p != nil {
			return nil, p
		}
	}
	return f, nil
}

// plan adds one toxic of the request, once for each stream.
func (f *Fault) plan(i int, t ToxicSpec) *problem.Details {
	where := fmt.Sprintf("toxics[%d]", i)
	wrapper := &toxics.ToxicWrapper{Type: t.Type}
	if toxics.New(wrapper) == nil {
		return problem.BadRequest("%s.type: there is no toxic %q", where, t.Type)
	}
	if t.Toxicity != nil && !(*t.Toxicity >= 0 && *t.Toxicity <= 1) {
		return problem.BadRequest("%s.toxicity must be between 0 and 1, not %v", where, *t.Toxicity)
	}
	streams := []string{t.Stream}
	switch t.Stream {
	case "upstream", "downstream":
	case "both":
		streams = []string{"upstream", "downstream"}
	default:
		return problem.BadRequest("%s.stream must be %s, not %q", where, streamsWords, t.Stream)
	}
	known, isOurs := toxic.Catalogue[t.Type]
	if known.OnConnect && t.Stream != "upstream" {
		return problem.BadRequest("%s.stream: %s acts on new connections, so its stream must be upstream, not %s", where, t.Type, t.Stream)
	}
	if len(t.Attributes) == 0 || string(t.Attributes) == "null" {
		t.Attributes = json.RawMessage("{}")
	}
	if isOurs {
		seeded, p := withSeed(t.Attributes, f.seed)
		if p != nil {
			return problem.BadRequest("%s.%s", where, p.Message)
		}
		t.Attributes = seeded
	}
	if err := json.Unmarshal(t.Attributes, wrapper.Toxic); err != nil {
		return problem.BadRequest("%s.%s", where, strings.TrimPrefix(problem.OfJSON(err), "json: "))
	}
	t.share = 1
	if t.Toxicity != nil {
		t.share = *t.Toxicity
	}
	if isOurs {
		t.Toxicity = nil
	}
	for _, stream := range streams {
		one := t
		one.Stream = stream
		one.Name = fmt.Sprintf("%s.%d.%s_%s", f.id, i, t.Type, stream)
		if isOurs {
			f.oursJSON = append(f.oursJSON, one)
		} else {
			f.stockJSON = append(f.stockJSON, one)
		}
	}
	return nil
}

// withSeed returns attributes with the fault's seed if they have none.
func withSeed(attributes json.RawMessage, seed int64) (json.RawMessage, *problem.Details) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(attributes, &fields); err != nil {
		return nil, problem.BadRequest("attributes must be an object")
	}
	if _, given := fields["seed"]; !given {
		fields["seed"] = json.RawMessage(fmt.Sprint(seed))
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, problem.BadRequest("attributes: %v", err)
	}
	return text, nil
}
