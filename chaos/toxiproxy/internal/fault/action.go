package fault

import (
	"stormlab/toxiproxy/internal/link"
)

// An action is what a fault does besides its toxics.
type action struct {
	closesGate  bool // New connections are refused until the fault ends.
	disconnects bool // Live connections end.
	// onLive acts on a connection. It returns whether it was live, and a function that finishes what takes longer.
	onLive func(*link.Connection) (bool, func())
}

var actions = map[string]action{
	"none":      {onLive: (*link.Connection).Spare},
	"cut":       {disconnects: true, onLive: (*link.Connection).SendFIN},
	"reset":     {disconnects: true, onLive: (*link.Connection).SendRST},
	"refuse":    {closesGate: true, disconnects: true, onLive: (*link.Connection).SendFIN},
	"block_new": {closesGate: true, onLive: (*link.Connection).Spare},
}
