package toxic_test

import (
	"testing"
	"time"

	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/stage"
)

func TestAHeldStreamIsSilentAndArrivesInOrderOnTheSameConnection(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	client.Send([]byte("before"))
	server.Expect([]byte("before"))
	h.Inject("f", labtest.A, "none", labtest.Toxic("hold", "both", nil))
	data := labtest.Pattern(3 << 20)
	sent := make(chan struct{})
	go func() { client.Send(data); close(sent) }()
	server.Send([]byte("answer"))
	server.Silent(100 * time.Millisecond)
	client.Silent(100 * time.Millisecond)
	second := h.Dial("a")
	secondServer := h.Arrival()
	second.Send([]byte("new"))
	secondServer.Silent(50 * time.Millisecond)
	h.End("f")
	server.Expect(data)
	<-sent
	client.Expect([]byte("answer"))
	secondServer.Expect([]byte("new"))
	client.Send([]byte("after"))
	server.Expect([]byte("after"))
}

func TestAHeldStreamHoldsTheSenderBackInsteadOfFillingMemory(t *testing.T) {
	h := labtest.New(t, "a")
	client, _ := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	h.Must(client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond)))
	sent := 0
	for {
		n, err := client.Write(make([]byte, 1<<20))
		sent += n
		if err != nil {
			break
		}
		if sent > 64<<20 {
			t.Fatal("64 MiB went into a held link")
		}
	}
	if held := h.Count("f", "held_bytes"); held > 2*stage.BufferBytes {
		t.Errorf("%d bytes are held in memory", held)
	}
}

func TestAFinIsHeldToo(t *testing.T) {
	h := labtest.New(t, "a")
	client, server := h.Connect("a")
	h.Inject("f", labtest.A, "none", labtest.Toxic("hold", "upstream", nil))
	client.Close()
	server.Silent(100 * time.Millisecond)
	h.End("f")
	server.ExpectEnd(nil)
}
