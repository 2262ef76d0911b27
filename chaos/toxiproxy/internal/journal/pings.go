package journal

import (
	"slices"
	"time"
)

const (
	maxWaiting = 16 // Pings without an answer that are kept; older ones are forgotten.
	maxRecent  = 64 // Round trips of which the median is taken.
	maxNew     = 16 // Round trips in one line.
)

// A pings matches the pings of one side with their answers. A round trip is from a ping's arrival at the door to that of its pong.
type pings struct {
	count, answered int64
	least, most     int64 // Microseconds.
	waiting         []ping
	recent          []int64
	fresh           int // How many of the recent no line has.
}

type ping struct {
	payload string
	at      time.Time
}

func (p *pings) sent(payload []byte, at time.Time) {
	p.count++
	if len(p.waiting) == maxWaiting {
		p.waiting = slices.Delete(p.waiting, 0, 1)
	}
	p.waiting = append(p.waiting, ping{string(payload), at})
}

// answeredBy takes a pong. It also answers the pings before the one whose payload it has (RFC 6455, 5.5.3); one that has none is unasked.
func (p *pings) answeredBy(payload []byte, at time.Time) {
	for i := len(p.waiting) - 1; i >= 0; i-- {
		if p.waiting[i].payload != string(payload) {
			continue
		}
		trip := at.Sub(p.waiting[i].at).Microseconds()
		p.waiting = slices.Delete(p.waiting, 0, i+1)
		if p.answered == 0 || trip < p.least {
			p.least = trip
		}
		p.most = max(p.most, trip)
		p.answered++
		if len(p.recent) == maxRecent {
			p.recent = slices.Delete(p.recent, 0, 1)
		}
		p.recent = append(p.recent, trip)
		p.fresh = min(p.fresh+1, maxNew)
		return
	}
}

// summary returns what the next line says; nil where no ping was sent. It takes the fresh round trips.
func (p *pings) summary(ns func(time.Time) int64) *pingsSummary {
	if p.count == 0 {
		return nil
	}
	s := &pingsSummary{Sent: p.count, Answered: p.answered, MinUs: p.least, MaxUs: p.most}
	s.RttUs = slices.Clone(p.recent[len(p.recent)-p.fresh:])
	if s.RttUs == nil {
		s.RttUs = []int64{}
	}
	p.fresh = 0
	if len(p.recent) > 0 {
		ordered := slices.Sorted(slices.Values(p.recent))
		s.MedianUs = ordered[len(ordered)/2]
	}
	if len(p.waiting) > 0 {
		s.WaitingNs = ns(p.waiting[0].at)
	}
	return s
}
