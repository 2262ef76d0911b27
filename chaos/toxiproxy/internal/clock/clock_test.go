package clock

import (
	"testing"
	"time"
)

func TestAStoppedTimerDoesNotFireHoweverOftenItWasSet(t *testing.T) {
	timer := NewTimer()
	for _, after := range []time.Duration{time.Hour, 20 * time.Millisecond, 30 * time.Millisecond} {
		timer.Set(time.Now().Add(after))
	}
	timer.Stop()
	select {
	case <-timer.C:
		t.Error("it fired")
	case <-time.After(60 * time.Millisecond):
	}
}
