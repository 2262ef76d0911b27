package journal

import (
	"slices"
	"sync"
)

// A queue holds the lines that are still to be written: those of each link in their order. Links take turns, so that one with many
// lines crowds out no other.
type queue struct {
	mu    sync.Mutex
	first []entry            // Lines that are never left out; they go before all others.
	links map[string][]entry // Links that have lines.
	turns []string           // Their names, the next one first.
	size  int                // Of the links' lines.
}

// put adds a line. What does not fit is returned: where the queue is full the newest line of the link that has most, and a line that is
// never left out where as many of those wait.
func (q *queue) put(e entry) (left *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if neverLeftOut[e.kind] {
		if len(q.first) >= queueLines {
			return &e
		}
		q.first = append(q.first, e)
		return nil
	}
	if q.size >= queueLines {
		most := e.link
		for link, lines := range q.links {
			if len(lines) > len(q.links[most]) {
				most = link
			}
		}
		if most == e.link {
			return &e
		}
		lines := q.links[most]
		newest := lines[len(lines)-1]
		left = &newest
		q.links[most] = lines[:len(lines)-1]
		q.size--
		if len(lines) == 1 {
			delete(q.links, most)
			q.turns = slices.DeleteFunc(q.turns, func(link string) bool { return link == most })
		}
	}
	if len(q.links[e.link]) == 0 {
		q.turns = append(q.turns, e.link)
	}
	q.links[e.link] = append(q.links[e.link], e)
	q.size++
	return left
}

// take removes at most so many lines, one of each link at a time, and before them all that are never left out.
func (q *queue) take(most int) []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.first
	q.first = nil
	for ; most > 0 && len(q.turns) > 0; most-- {
		link := q.turns[0]
		lines := q.links[link]
		taken = append(taken, lines[0])
		q.turns = q.turns[1:]
		q.size--
		if len(lines) == 1 {
			delete(q.links, link)
			continue
		}
		q.links[link] = lines[1:]
		q.turns = append(q.turns, link)
	}
	return taken
}
