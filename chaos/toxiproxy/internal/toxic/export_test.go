package toxic

import (
	"stormlab/toxiproxy/internal/stage"
)

// What the tests of this package reach besides its exported names.
const ThrottlePiece = throttlePiece

var MiddleOfFrame = middleOfFrame

func (d Delay) DrawMs(m *stage.ConnState) float64 { return d.drawMs(m) }
