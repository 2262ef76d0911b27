package main

import (
	"net"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"golang.org/x/sys/unix"
)

// Out of descriptors, Toxiproxy's accept loop ends for good while the proxy calls itself enabled. Such a link shows connections
// that wait in the kernel's queue though the server answers; a new accept loop takes over from there.

const (
	reviveAfter = 3 * time.Second
	reviveDial  = time.Second
)

// A queue remembers for how long connections have waited on a link without one being accepted.
type queue struct {
	since    time.Time
	accepted int64
}

// stale takes a look, and says whether the accept loop has taken nothing for long enough to be doubted.
func (q *queue) stale(now time.Time, waiting int, accepted int64) bool {
	switch {
	case waiting == 0:
		q.since = time.Time{}
		return false
	case accepted != q.accepted || q.since.IsZero():
		q.since, q.accepted = now, accepted
		return false
	}
	return now.Sub(q.since) >= reviveAfter
}

// waiting counts the connections that the kernel has made and the accept loop has not taken.
func waiting(proxy *toxiproxy.Proxy) int {
	if !proxy.TryLock() {
		return 0
	}
	defer proxy.Unlock()
	listener, ok := listenerOf(proxy).(*net.TCPListener)
	if !ok || !proxy.Enabled {
		return 0
	}
	raw, err := listener.SyscallConn()
	if err != nil {
		return 0
	}
	count := 0
	// For a listening socket Linux reports its accept queue in this field. A closed listener has none.
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			count = int(info.Unacked)
		}
	})
	return count
}

// reviveIfDead is called at each look. An accept loop that waits for a slow server is left alone.
func (l *link) reviveIfDead(now time.Time) {
	if !l.queue.stale(now, waiting(l.proxy), l.accepted.Load()) || !l.reviving.TryLock() {
		return
	}
	l.queue.since = now
	go func() {
		defer l.reviving.Unlock()
		spec, _, _ := l.look()
		server, err := net.DialTimeout("tcp", spec.Upstream, reviveDial)
		if err != nil {
			return
		}
		_ = server.Close()
		_ = within(doorTime, func() error {
			l.proxy.Lock()
			if !l.proxy.Enabled {
				l.proxy.Unlock()
				return nil
			}
			stopListening(l.proxy)()
			return l.proxy.Start()
		})
	}()
}
