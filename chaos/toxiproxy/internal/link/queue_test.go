package link

import (
	"testing"
	"time"
)

func TestAQueueIsStaleOnlyWhenNothingIsAcceptedForLong(t *testing.T) {
	var q queue
	start := time.Unix(1_000_000, 0)
	looks := []struct {
		after    time.Duration
		waiting  int
		accepted int64
		stale    bool
	}{{0, 1, 5, false}, {2, 1, 5, false}, {4, 1, 6, false}, {6, 1, 6, false}, {7, 1, 6, true}, {8, 0, 6, false}, {20, 1, 6, false}}
	for _, l := range looks {
		if got := q.stale(start.Add(l.after*time.Second), l.waiting, l.accepted); got != l.stale {
			t.Errorf("after %d s: stale is %v", l.after, got)
		}
	}
}
