package main

// An action is what a fault does besides its toxics.
type action struct {
	shuts  bool                   // New connections are refused until the fault ends.
	ends   bool                   // Live connections end.
	onLive func(*connection) bool // Says whether the connection was live.
}

var actions = map[string]action{
	"none":      {onLive: (*connection).open},
	"cut":       {ends: true, onLive: (*connection).cut},
	"reset":     {ends: true, onLive: (*connection).reset},
	"refuse":    {shuts: true, ends: true, onLive: (*connection).cut},
	"block_new": {shuts: true, onLive: (*connection).open},
}
