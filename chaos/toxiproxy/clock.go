package main

import (
	"container/heap"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// monoNs reads CLOCK_MONOTONIC, the clock that all containers of a host and Python's time.monotonic_ns() share.
func monoNs() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err) // The kernel knows this clock since 2.6; there is nothing to go on with.
	}
	return ts.Nano()
}

// An alarm rings bells on time. Go's own timers wait in epoll with whole milliseconds and ring up to 1 ms late; a timerfd
// wakes the same epoll within some tens of microseconds.
type alarm struct {
	mu    sync.Mutex
	fd    int // Kept beside the file, because File.Fd() would make it blocking.
	timer *os.File
	bells bellHeap
}

type bell struct {
	due  time.Time
	ring chan struct{}
	slot int // Its place in the heap; -1 when it is not set.
}

func newBell() *bell { return &bell{ring: make(chan struct{}, 1), slot: -1} }

var theAlarm = sync.OnceValue(func() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		panic("cannot make a timer: " + err.Error())
	}
	a := &alarm{fd: fd, timer: os.NewFile(uintptr(fd), "timerfd")}
	go a.run()
	return a
})

func (a *alarm) run() {
	buffer := make([]byte, 8)
	for {
		if _, err := a.timer.Read(buffer); err != nil {
			panic("the timer broke: " + err.Error())
		}
		a.mu.Lock()
		for now := time.Now(); len(a.bells) > 0 && !a.bells[0].due.After(now); {
			b := heap.Pop(&a.bells).(*bell)
			select {
			case b.ring <- struct{}{}:
			default:
			}
		}
		a.wind()
		a.mu.Unlock()
	}
}

// set makes the bell ring at due, once; an earlier setting is forgotten.
func (a *alarm) set(b *bell, due time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.slot >= 0 {
		if b.due.Equal(due) {
			return
		}
		heap.Remove(&a.bells, b.slot)
	}
	select {
	case <-b.ring:
	default:
	}
	b.due = due
	heap.Push(&a.bells, b)
	if a.bells[0] == b {
		a.wind()
	}
}

func (a *alarm) cancel(b *bell) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.slot >= 0 {
		heap.Remove(&a.bells, b.slot)
	}
}

// wind sets the timer for the earliest bell.
func (a *alarm) wind() {
	if len(a.bells) == 0 {
		return
	}
	wait := max(time.Until(a.bells[0].due), 1)
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}
	if err := unix.TimerfdSettime(a.fd, 0, &spec, nil); err != nil {
		panic("the timer broke: " + err.Error())
	}
}

type bellHeap []*bell

func (h bellHeap) Len() int           { return len(h) }
func (h bellHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h bellHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}
func (h *bellHeap) Push(x any) {
	b := x.(*bell)
	b.slot = len(*h)
	*h = append(*h, b)
}
func (h *bellHeap) Pop() any {
	last := len(*h) - 1
	b := (*h)[last]
	*h, b.slot = (*h)[:last], -1
	return b
}
