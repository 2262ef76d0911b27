// Package clock reads the monotonic clock that all containers of a host share, and has timers that fire on time.
package clock

import (
	"container/heap"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// MonoNs reads CLOCK_MONOTONIC, the clock that all containers of a host and Python's time.monotonic_ns() share.
func MonoNs() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // Linux has this clock since 2.6; without it there is nothing to go on with.
	}
	return ts.Nano()
}

// A Timer sends on C at the time for which it is set. Go's own timers wait in epoll with whole milliseconds and fire up to
// 1 ms late; a timerfd wakes the same epoll within some tens of microseconds.
type Timer struct {
	C    chan struct{}
	due  time.Time
	slot int // Its index in the heap; -1 when it is not set.
}

// NewTimer makes a timer that is not set.
func NewTimer() *Timer { return &Timer{C: make(chan struct{}, 1), slot: -1} }

// Set makes the timer fire once at due. It replaces an earlier setting.
func (t *Timer) Set(due time.Time) { theScheduler().set(t, due) }

// Stop keeps the timer from firing.
func (t *Timer) Stop() { theScheduler().cancel(t) }

// A scheduler fires all timers of the process from one timerfd.
type scheduler struct {
	mu     sync.Mutex
	fd     int // Kept beside the file, because File.Fd() would make it blocking.
	file   *os.File
	timers timerHeap
}

var theScheduler = sync.OnceValue(func() *scheduler {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		panic("cannot make a timer: " + err.Error())
	}
	s := &scheduler{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	go s.run()
	return s
})

func (s *scheduler) run() {
	buffer := make([]byte, 8)
	for {
		if _, err := s.file.Read(buffer); err != nil {
			panic("the timer broke: " + err.Error())
		}
		s.mu.Lock()
		for now := time.Now(); len(s.timers) > 0 && !s.timers[0].due.After(now); {
			t := heap.Pop(&s.timers).(*Timer)
			select {
			case t.C <- struct{}{}:
			default:
			}
		}
		s.arm()
		s.mu.Unlock()
	}
}

func (s *scheduler) set(t *Timer, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.slot >= 0 {
		if t.due.Equal(due) {
			return
		}
		heap.Remove(&s.timers, t.slot)
	}
	select {
	case <-t.C:
	default:
	}
	t.due = due
	heap.Push(&s.timers, t)
	if s.timers[0] == t {
		s.arm()
	}
}

func (s *scheduler) cancel(t *Timer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.slot >= 0 {
		heap.Remove(&s.timers, t.slot)
	}
}

// arm sets the timerfd for the earliest timer.
func (s *scheduler) arm() {
	if len(s.timers) == 0 {
		return
	}
	wait := max(time.Until(s.timers[0].due), 1)
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}
	if err := unix.TimerfdSettime(s.fd, 0, &spec, nil); err != nil {
		panic("the timer broke: " + err.Error())
	}
}

type timerHeap []*Timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.slot = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	*h, t.slot = (*h)[:last], -1
	return t
}
