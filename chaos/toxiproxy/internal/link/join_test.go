package link_test

import (
	"net/http"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
)

func TestALinkThatIsLockedForAMomentIsOpenAndADisabledOneIsNot(t *testing.T) {
	h := labtest.New(t, "a")
	l := h.Server.Links.Get("a")
	l.Proxy.Lock()
	open := l.IsOpen()
	l.Proxy.Unlock()
	if !open || !l.IsOpen() {
		t.Error("an enabled link is closed")
	}
	h.Call("POST", "/proxies/a", map[string]any{"enabled": false}, http.StatusOK, nil)
	if l.IsOpen() {
		t.Error("a disabled link is open")
	}
}
