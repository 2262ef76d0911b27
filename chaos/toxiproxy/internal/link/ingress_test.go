package link

import (
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

func TestAnIngressWaitsFiveMillisecondsForALockedPipelineBeforeItGivesUp(t *testing.T) {
	proxy := &toxiproxy.Proxy{}
	proxy.Toxics = toxiproxy.NewToxicCollection(proxy)
	proxy.Toxics.Lock()
	defer proxy.Toxics.Unlock()
	in := &ingress{link: &Link{Proxy: proxy}}
	start := time.Now()
	if !in.findPipeline(&ingressState{conn: &Connection{}}, toxics.NewToxicStub(nil, nil)) {
		t.Error("it was interrupted")
	}
	if waited := time.Since(start); waited < 5*time.Millisecond {
		t.Errorf("it waited for %v", waited)
	}
}

func TestAnIngressLooksEightTimesAndWaitsTwiceAsLongEachTime(t *testing.T) {
	if len(pauses) != 8 {
		t.Errorf("expected 8 pauses, found %d", len(pauses))
	}
	for n, pause := range pauses {
		if expected := 20 * time.Microsecond << n; pause != expected {
			t.Errorf("pause %d: expected %v, found %v", n, expected, pause)
		}
	}
}
