package journal

import (
	"path/filepath"
	"testing"
	"time"
)

// What the journal costs for each chunk on the data path: of a protocol that it does not read, and of a WebSocket's small frames.
func BenchmarkReceived(b *testing.B) {
	j, err := Open(filepath.Join(b.TempDir(), "door-a.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close("bench")
	for name, c := range map[string]struct {
		head string
		data []byte
	}{"opaque": {"+OK\r\n", make([]byte, 32<<10)}, "websocket": {upgrade, frame(2, make([]byte, 100), nil)}} {
		b.Run(name, func(b *testing.B) {
			one, now := j.Opened("a", Times{}), time.Now()
			one.Received(Client, []byte(request), now)
			one.Received(Server, []byte(c.head), now)
			for b.Loop() {
				one.Received(Server, c.data, now)
			}
			one.Gone()
		})
	}
}
