package main

import "github.com/Shopify/toxiproxy/v2/toxics"

// catalogue is every toxic of ours. Those at the door act on new connections alone and see them first in the upstream
// direction, so they are not for the other one.
var catalogue = map[string]entry{
	"blackhole":  {toxic: new(toxic[blackhole])},
	"corrupt":    {toxic: new(toxic[corrupt])},
	"delay":      {toxic: new(toxic[delay])},
	"drop":       {toxic: new(toxic[drop])},
	"duplicate":  {toxic: new(toxic[duplicate])},
	"fail_first": {toxic: new(toxic[failFirst]), atDoor: true},
	"fragment":   {toxic: new(toxic[fragment])},
	"hang":       {toxic: new(toxic[hang]), atDoor: true},
	"hold":       {toxic: new(toxic[hold])},
	"reject":     {toxic: new(toxic[reject]), atDoor: true},
	"throttle":   {toxic: new(toxic[throttle])},
	"truncate":   {toxic: new(toxic[truncate])},
}

type entry struct {
	toxic  toxics.Toxic
	atDoor bool
}

func registerToxics() {
	for name, e := range catalogue {
		toxics.Register(name, e.toxic)
	}
}
