package api_test

import (
	"net/http"
	"testing"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/labtest"
)

func TestTheClockIsTheMonotonicClockOfTheHost(t *testing.T) {
	h := labtest.New(t)
	before := clock.MonoNs()
	var v api.ClockView
	h.Call("GET", "/lab/clock", nil, http.StatusOK, &v)
	if after := clock.MonoNs(); v.MonoNs < before || v.MonoNs > after {
		t.Errorf("%d is not between %d and %d", v.MonoNs, before, after)
	}
}
