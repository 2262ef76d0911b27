package toxic_test

import (
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
)

func TestABlackholeSwallowsAndClosesWhatLostBytesWhenItEnds(t *testing.T) {
	h := labtest.New(t, "a")
	loser, loserServer := h.Connect("a")
	idle, idleServer := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("blackhole", "upstream", nil))
	loser.Send([]byte("gone"))
	fresh := h.Dial("a")
	freshServer := h.Arrival()
	fresh.Send([]byte("gone too"))
	loserServer.Silent(100 * time.Millisecond)
	freshServer.Silent(50 * time.Millisecond)
	h.Until("both losses are counted", func() bool { return h.Count("f", "lost_bytes") == 12 })
	h.End("f")
	for _, e := range []*labtest.Peer{loser, loserServer, fresh, freshServer} {
		if data, err := e.Rest(); err != nil || len(data) > 0 {
			t.Errorf("expected FIN, got %q and %v", data, err)
		}
	}
	idle.Send([]byte("still here"))
	idleServer.Expect([]byte("still here"))
}
