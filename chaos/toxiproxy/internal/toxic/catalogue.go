// Package toxic is our toxics: each is one file of pure decisions, and one line in Catalogue.
//
// It imports internals, link and stage of this program. To add one, begin with Hold.
package toxic

import (
	"github.com/Shopify/toxiproxy/v2/toxics"

	"stormlab/toxiproxy/internal/stage"
)

// Catalogue is every toxic of ours by its type in the API.
var Catalogue = map[string]entry{
	"blackhole":  {Toxic: new(stage.Runner[Blackhole])},
	"corrupt":    {Toxic: new(stage.Runner[Corrupt])},
	"delay":      {Toxic: new(stage.Runner[Delay])},
	"drop":       {Toxic: new(stage.Runner[Drop])},
	"duplicate":  {Toxic: new(stage.Runner[Duplicate])},
	"fail_first": {Toxic: new(stage.Runner[FailFirst]), OnConnect: true},
	"forget":     {Toxic: new(stage.Runner[Forget])},
	"fragment":   {Toxic: new(stage.Runner[Fragment])},
	"hang":       {Toxic: new(stage.Runner[Hang]), OnConnect: true},
	"hold":       {Toxic: new(stage.Runner[Hold])},
	"reject":     {Toxic: new(stage.Runner[Reject]), OnConnect: true},
	"throttle":   {Toxic: new(stage.Runner[Throttle])},
	"truncate":   {Toxic: new(stage.Runner[Truncate])},
}

// An entry is one toxic. Those that are OnConnect act on new connections alone; they see those first in the upstream direction, and
// are not for the other one.
type entry struct {
	Toxic     toxics.Toxic
	OnConnect bool
}

// Register makes all toxics of the catalogue known to Toxiproxy.
func Register() {
	for name, e := range Catalogue {
		toxics.Register(name, e.Toxic)
	}
}
