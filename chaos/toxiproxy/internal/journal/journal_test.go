package journal

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A writtenLine is what the tests read of any line.
type writtenLine struct {
	Event      string           `json:"event"`
	Link       string           `json:"link"`
	Connection int64            `json:"connection"`
	Counts     map[string]int64 `json:"counts"`
}

// newJournal makes a journal that is written when a test says so.
func newJournal(t *testing.T) (*Journal, func() []writtenLine) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "door-db.jsonl")
	j, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.file.Close() })
	return j, func() []writtenLine {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := []writtenLine{}
		for one := range bytes.Lines(text) {
			var line writtenLine
			if err := json.Unmarshal(one, &line); err != nil {
				t.Fatal(err)
			}
			found = append(found, line)
		}
		return found
	}
}

func TestAConnectionsFirstLineIsBeforeAnyOtherOfIt(t *testing.T) {
	j, lines := newJournal(t)
	for range 30 {
		j.Opened("a", Times{}).Received(Client, []byte("hello"), time.Now())
	}
	j.flush(10, true)
	j.flush(queueLines, true)
	opened, seen := map[int64]bool{}, 0
	for _, line := range lines() {
		switch line.Event {
		case "connection_opened":
			opened[line.Connection] = true
		case "connection_seen":
			if seen++; !opened[line.Connection] {
				t.Errorf("connection %d was seen before it was opened", line.Connection)
			}
		}
	}
	if len(opened) != 30 || seen != 30 {
		t.Errorf("%d were opened, and %d seen", len(opened), seen)
	}
}

func TestAConnectionWhoseFirstLineIsLeftOutIsSeenAllTheSame(t *testing.T) {
	j, lines := newJournal(t)
	for range queueLines {
		j.Failed("a", Times{}, "closed", "")
	}
	j.Opened("a", Times{}).Received(Client, []byte("hello"), time.Now())
	j.flush(0, true)
	seen := 0
	for _, line := range lines() {
		if line.Event == "connection_seen" {
			seen++
		}
	}
	if seen != 1 {
		t.Errorf("it was seen %d times", seen)
	}
}

func TestALinkWithManyLinesCrowdsOutNoOther(t *testing.T) {
	j, lines := newJournal(t)
	for range 2 * queueLines {
		j.Failed("a", Times{}, "closed", "")
	}
	for range 3 {
		j.Failed("b", Times{}, "closed", "")
	}
	j.flush(6, true)
	written, left := map[string]int{}, map[string]int64{}
	for _, line := range lines() {
		if line.Event == "connection_failed" {
			written[line.Link]++
		}
		left[line.Link] += line.Counts["connection_failed"]
	}
	if written["a"] != 3 || written["b"] != 3 || left["a"] != queueLines+3 || left["b"] != 0 {
		t.Errorf("written %v, left out %v", written, left)
	}
}

func TestTheProcessAndTheNamesOfLinksAreWrittenHoweverMuchIs(t *testing.T) {
	j, lines := newJournal(t)
	for range 2 * queueLines {
		j.Failed("a", Times{}, "closed", "")
	}
	named := j.Name("a", "api->db:5432")
	j.size = maxFileSize
	j.flush(1, false)
	found := lines()
	if !named || len(found) != 2 || found[0].Event != "process_started" || found[1].Event != "link_named" {
		t.Errorf("%v: %+v", named, found)
	}
}

func TestANameThatDoesNotFitIsNotSaidToBeWritten(t *testing.T) {
	j, _ := newJournal(t)
	for j.Name("a", "api->db:5432") {
		if j.queue.size > 0 || len(j.queue.first) > queueLines {
			t.Fatal("names are not bounded")
		}
	}
	j.flush(0, false)
	if !j.Name("a", "api->db:5432") {
		t.Error("there is room again")
	}
}
