// Package anchor says at which byte of what passes a link a fault strikes: pure decisions, without a clock, socket or channel.
//
// It imports problem and websocket alone of this program. Begin with Point, then Tracker.
package anchor

import (
	"stormlab/toxiproxy/internal/problem"
	"stormlab/toxiproxy/internal/websocket"
)

// A Request is a point as a client asks for it, with the links on which it counts.
type Request struct {
	Links      []string `json:"links"`
	Stream     string   `json:"stream,omitempty"`
	Bytes      int64    `json:"bytes,omitempty"`
	Frame      int64    `json:"frame,omitempty"`
	Pattern    string   `json:"pattern,omitempty"`
	Occurrence int64    `json:"occurrence,omitempty"`
	Response   int64    `json:"response,omitempty"`
	Connection int64    `json:"connection,omitempty"`
	Before     bool     `json:"before,omitempty"`
	Skip       []string `json:"skip,omitempty"`
}

// A Point is one byte of a stream of a connection.
type Point struct {
	kind       kind
	side       websocket.Side // Which sends the byte.
	number     int64          // Of the byte, frame, occurrence or answer.
	pattern    []byte
	fallback   []int // Of each prefix of the pattern, the length of its longest proper suffix that is a prefix too.
	connection int64 // Of those that opened since it was armed; 0: any.
	before     bool
	skip       [][]byte // A connection whose client begins with one of these does not count.
}

type kind int

const (
	ofBytes kind = iota
	ofFrames
	ofPattern
	ofResponses
	ofConnections
)

const (
	maxNumber  = 1_000_000_000_000
	maxPattern = 256
	maxSkips   = 8
	// maxSkip bounds a text of Skip, and how much of a connection's first bytes is kept.
	maxSkip = 64
)

// Point checks the request but its links, and returns its point.
func (r *Request) Point() (*Point, *problem.Details) {
	p := &Point{connection: r.Connection, before: r.Before, pattern: []byte(r.Pattern)}
	given := 0
	for _, one := range []struct {
		kind   kind
		name   string
		number int64
	}{{ofBytes, "bytes", r.Bytes}, {ofFrames, "frame", r.Frame}, {ofPattern, "occurrence", r.Occurrence}, {ofResponses, "response", r.Response},
		{ofConnections, "connection", r.Connection}} {
		if one.number < 0 || one.number > maxNumber {
			return nil, problem.BadRequest("when.%s must be between 1 and %d, not %d", one.name, int64(maxNumber), one.number)
		}
		isGiven := one.number > 0
		if one.kind == ofPattern {
			if isGiven && r.Pattern == "" {
				return nil, problem.BadRequest("when.occurrence needs when.pattern")
			}
			isGiven, one.number = r.Pattern != "", max(one.number, 1)
		}
		if isGiven && (one.kind != ofConnections || given == 0) {
			p.kind, p.number, given = one.kind, one.number, given+1
		}
	}
	if given != 1 {
		return nil, problem.BadRequest("when must have one of bytes, frame, pattern, response, or connection alone")
	}
	return p, p.finish(r)
}

// finish checks what depends on the kind.
func (p *Point) finish(r *Request) *problem.Details {
	directed := p.kind == ofBytes || p.kind == ofFrames || p.kind == ofPattern
	switch {
	case directed && r.Stream == "upstream":
		p.side = websocket.Client
	case directed && r.Stream == "downstream" || p.kind == ofResponses && r.Stream == "":
		p.side = websocket.Server
	case directed:
		return problem.BadRequest("when.stream must be upstream or downstream, not %q", r.Stream)
	case r.Stream != "":
		return problem.BadRequest("when.stream belongs to bytes, frame and pattern")
	}
	if p.before && p.kind == ofConnections {
		return problem.BadRequest("when.before belongs to bytes, frame, pattern and response")
	}
	if len(p.pattern) > maxPattern {
		return problem.BadRequest("when.pattern must have at most %d bytes, not %d", maxPattern, len(p.pattern))
	}
	if len(r.Skip) > maxSkips {
		return problem.BadRequest("when.skip must have at most %d texts, not %d", maxSkips, len(r.Skip))
	}
	for _, text := range r.Skip {
		if len(text) == 0 || len(text) > maxSkip {
			return problem.BadRequest("each text of when.skip must have 1 to %d bytes, not %d", maxSkip, len(text))
		}
		p.skip = append(p.skip, []byte(text))
	}
	p.fallback = fallbackOf(p.pattern)
	return nil
}

// fallbackOf returns the failure function of Knuth, Morris and Pratt: a text is found in whatever pieces it comes, and nothing of a
// stream is kept.
func fallbackOf(pattern []byte) []int {
	found := make([]int, len(pattern))
	for i, length := 1, 0; i < len(pattern); i++ {
		for length > 0 && pattern[i] != pattern[length] {
			length = found[length-1]
		}
		if pattern[i] == pattern[length] {
			length++
		}
		found[i] = length
	}
	return found
}
