package link

import (
	"net"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"golang.org/x/sys/unix"

	"stormlab/toxiproxy/internal/internals"
)

// When Toxiproxy runs out of descriptors its accept loop ends for good, while the proxy still is enabled. On such a link
// connections wait in the kernel's queue though the server answers; a new accept loop is started then.

const (
	reviveAfter = 3 * time.Second
	reviveDial  = time.Second
)

// A queue records since when connections wait on a link without one being accepted.
type queue struct {
	since    time.Time
	accepted int64
}

// stale records the state, and returns whether the accept loop has taken nothing for reviveAfter.
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
	listener, ok := internals.Listener(proxy).(*net.TCPListener)
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

// ReviveIfDead replaces an accept loop that has ended. One that waits for a slow server is left alone. It is to be called often.
func (l *Link) ReviveIfDead(now time.Time) {
	if !l.queue.stale(now, waiting(l.Proxy), l.Accepted.Load()) || !l.reviving.TryLock() {
		return
	}
	l.queue.since = now
	go func() {
		defer l.reviving.Unlock()
		spec, _, _ := l.Current()
		server, err := net.DialTimeout("tcp", spec.Upstream, reviveDial)
		if err != nil {
			return
		}
		_ = server.Close()
		_ = Within(gateTimeout, func() error {
			l.Proxy.Lock()
			if !l.Proxy.Enabled {
				l.Proxy.Unlock()
				return nil
			}
			stopListening(l.Proxy)()
			return l.Proxy.Start()
		})
	}()
}
