package main

// An action is what a fault does besides its toxics.
type action struct {
	shuts bool // New connections are refused until the fault ends.
	ends  bool // Live connections end.
	// onLive does it to a live connection, says whether it was live, and gives what is to be done once the moment is over.
	onLive func(*connection) (bool, func())
}

var actions = map[string]action{
	"none":      {onLive: (*connection).leave},
	"cut":       {ends: true, onLive: (*connection).sendFin},
	"reset":     {ends: true, onLive: (*connection).sendRst},
	"refuse":    {shuts: true, ends: true, onLive: (*connection).sendFin},
	"block_new": {shuts: true, onLive: (*connection).leave},
}
