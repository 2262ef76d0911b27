// Package journal writes down each connection of the links: when it was asked for, opened, answered and ended, and by which side.
//
// It imports clock and websocket alone of this program. Begin with Journal; the lines are in events.go.
package journal

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stormlab/toxiproxy/internal/clock"
)

const (
	suffix      = ".jsonl"
	flushEvery  = 50 * time.Millisecond
	flushLines  = 200  // For each flush, so 4,000 lines a second at most.
	queueLines  = 8192 // What a burst may be ahead of that, of all links together.
	seenEvery   = 20   // Flushes between the lines of live connections.
	seenLines   = 256  // Of live connections at a time; those that waited longest come first.
	omitLinks   = 1024 // Links with counts of their own; the counts of all others are of the link "".
	maxText     = 500
	maxFileSize = 1 << 30
)

// A Journal is one process's file of lines. The data path only puts lines into a bounded queue; what does not fit is counted, and the
// counts are written. All methods do nothing on a nil Journal.
type Journal struct {
	by    string
	file  *os.File
	chain *chain
	size  int64

	queue queue
	last  atomic.Int64 // The number of the newest connection.
	zero  time.Time    // zeroNs is CLOCK_MONOTONIC at this time.
	ns0   int64

	mu      sync.Mutex
	live    map[int64]*Connection
	omitted map[string]map[string]int64
	closing chan string
	done    chan struct{}
	failed  error // The first error of a write. Nothing is written after it.
}

// An entry is one line that is still to be encoded: a pointer to a struct that begins with header.
type entry struct {
	at     time.Time
	kind   string
	link   string
	line   interface{ head() *header }
	opened *Connection // Of which this is the first line; nil for any other.
}

// neverLeftOut are the kinds of lines without which others say nothing.
var neverLeftOut = map[string]bool{"process_started": true, "link_named": true}

func (h *header) head() *header { return h }

// Open appends to the journal of this path, whose name without .jsonl is the process's.
func Open(path string) (*Journal, error) {
	j, err := open(path)
	if err == nil {
		go j.run()
	}
	return j, err
}

// open makes a journal that writes nothing by itself.
func open(path string) (*Journal, error) {
	name, ok := strings.CutSuffix(filepath.Base(path), suffix)
	if !ok || name == "" {
		return nil, fmt.Errorf("the journal %q must be a file with the name of the process and %s", path, suffix)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("cannot write the journal: %w", err)
	}
	status, err := file.Stat()
	if err == nil && !status.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write the journal: %w", err)
	}
	c, err := resume(file, status.Size())
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal's end: %w", err)
	}
	j := &Journal{
		by: name, file: file, chain: c, size: status.Size(), queue: queue{links: map[string][]entry{}}, zero: time.Now(), ns0: clock.MonoNs(),
		live: map[int64]*Connection{}, omitted: map[string]map[string]int64{}, closing: make(chan string, 1), done: make(chan struct{}),
	}
	j.put(entry{at: j.zero, kind: "process_started", line: &processStarted{Role: "toxiproxy", Incarnation: rand.Text()[:16]}})
	return j, nil
}

// Close writes the last line and closes the file.
func (j *Journal) Close(reason string) error {
	if j == nil {
		return nil
	}
	j.closing <- reason
	<-j.done
	return j.failed
}

// Name gives a link the name that it has in the system, from now on. It returns false where that is not written, because too many
// names wait.
func (j *Journal) Name(link, name string) bool {
	return j == nil || j.put(entry{at: time.Now(), kind: "link_named", link: link, line: &linkNamed{Link: cut(link), Name: cut(name)}})
}

// Failed writes that a connection could not be carried: why is closed (the link takes none), busy (something kept the link locked), full (too many are open), refused, timeout, unreachable or other.
func (j *Journal) Failed(link string, times Times, why, detail string) {
	if j == nil {
		return
	}
	j.put(entry{at: time.Now(), kind: "connection_failed", link: link, line: &connectionFailed{
		Link: cut(link), AskedNs: j.ns(times.Asked), DiallingNs: j.ns(times.Dialling), Why: why, Detail: cut(detail),
	}})
}

// put queues a line, and returns whether it will be written.
func (j *Journal) put(e entry) bool {
	left := j.queue.put(e)
	if left == nil {
		return true
	}
	j.leave(*left)
	return left.line != e.line
}

// leave counts a line that is not written.
func (j *Journal) leave(e entry) {
	e.opened.lineIsDue()
	j.omit(e.kind, e.link)
}

func (j *Journal) omit(kind, link string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	counts := j.omitted[link]
	if counts == nil {
		if len(j.omitted) >= omitLinks {
			link = ""
		}
		if counts = j.omitted[link]; counts == nil {
			counts = map[string]int64{}
			j.omitted[link] = counts
		}
	}
	counts[kind]++
}

// ns returns CLOCK_MONOTONIC at a time; 0 for the zero time.
func (j *Journal) ns(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return j.ns0 + int64(t.Sub(j.zero))
}

func (j *Journal) run() {
	defer close(j.done)
	defer j.file.Close()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for round := 1; ; round++ {
		select {
		case reason := <-j.closing:
			j.flush(queueLines, true, entry{at: time.Now(), kind: "process_stopping", line: &processStopping{Reason: reason}})
			return
		case <-tick.C:
			j.flush(flushLines, round%seenEvery == 0)
		}
	}
}

// flush writes at most so many lines of the queue, then, where summaries are due, those, and what must follow.
func (j *Journal) flush(most int, summaries bool, more ...entry) {
	entries := j.queue.take(most)
	for _, e := range entries {
		e.opened.lineIsDue()
	}
	if summaries {
		entries = append(entries, j.summaries(time.Now())...)
	}
	entries = append(entries, more...)
	lines := make([][]byte, 0, len(entries))
	for _, e := range entries {
		if j.size < maxFileSize || neverLeftOut[e.kind] || e.kind == "lines_omitted" || e.kind == "process_stopping" {
			lines = append(lines, j.encode(e))
		} else {
			j.leave(e)
		}
	}
	if len(lines) == 0 || j.failed != nil {
		return
	}
	data := j.chain.seal(lines)
	n, err := j.file.Write(data)
	j.size += int64(n)
	if err != nil {
		j.failed = err
		fmt.Fprintln(os.Stderr, "toxiproxy: the journal ends here:", err)
	}
}

// summaries returns the lines of live connections that changed since their last one, and the counts of what was omitted.
func (j *Journal) summaries(now time.Time) []entry {
	j.mu.Lock()
	connections := make([]*Connection, 0, len(j.live))
	for _, c := range j.live {
		connections = append(connections, c)
	}
	omitted := j.omitted
	j.omitted = map[string]map[string]int64{}
	j.mu.Unlock()

	slices.SortFunc(connections, func(a, b *Connection) int { return cmp.Or(a.seen.Compare(b.seen), cmp.Compare(a.id, b.id)) })
	found := []entry{}
	for _, c := range connections {
		if len(found) == seenLines {
			break
		}
		if line := c.summary(now); line != nil {
			found = append(found, entry{at: now, kind: "connection_seen", link: c.link, line: line})
		}
	}
	for link, counts := range omitted {
		found = append(found, entry{at: now, kind: "lines_omitted", link: link, line: &linesOmitted{Link: cut(link), Counts: counts}})
	}
	return found
}

func (j *Journal) encode(e entry) []byte {
	*e.line.head() = header{e.kind, j.ns(e.at), float64(e.at.UnixNano()) / 1e9, j.by}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e.line); err != nil {
		panic(err) // The lines are structs of numbers and texts.
	}
	return text.Bytes()
}

// cut bounds a text that comes from outside, as one that JSON can hold.
func cut(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "?")
}
