package fault

import (
	"github.com/Shopify/toxiproxy/v2/stream"

	"stormlab/toxiproxy/internal/journal"
	"stormlab/toxiproxy/internal/link"
)

// An action is what a fault does besides its toxics.
type action struct {
	closesGate  bool // New connections are refused until the fault ends.
	disconnects bool // Live connections end.
	// onLive acts on a connection. It returns whether it was live, and a function that finishes what takes longer.
	onLive func(*link.Connection) (bool, func())
	// toxics are those that the action needs. Where it needs any, it leaves connections that the end of the fault resets.
	toxics []ToxicSpec
}

var actions = map[string]action{
	"none":      {onLive: (*link.Connection).Spare},
	"cut":       {disconnects: true, onLive: (*link.Connection).SendFIN},
	"reset":     {disconnects: true, onLive: (*link.Connection).SendRST},
	"refuse":    {closesGate: true, disconnects: true, onLive: (*link.Connection).SendFIN},
	"block_new": {closesGate: true, onLive: (*link.Connection).Spare},

	"fin_client": closeOne(link.ClientEnd, journal.FIN),
	"rst_client": closeOne(link.ClientEnd, journal.RST),
	"fin_server": closeOne(link.ServerEnd, journal.FIN),
	"rst_server": closeOne(link.ServerEnd, journal.RST),
}

// closeOne closes live connections at one end, which the other end does not notice.
func closeOne(end stream.Direction, how string) action {
	return action{
		disconnects: true,
		onLive:      func(c *link.Connection) (bool, func()) { return c.CloseOne(end, how) },
		toxics:      []ToxicSpec{{Type: "forget", Stream: "both"}},
	}
}
