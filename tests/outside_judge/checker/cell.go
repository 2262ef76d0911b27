package main

// cell is one key of a store: a register that begins empty.
type cell struct {
	isSet bool
	value string
}

// cellSteps: a write sets the value, a read returns the newest one, or null where there is none.
var cellSteps = map[string]func(cell, operation) (bool, cell){
	"write": func(_ cell, o operation) (bool, cell) { return true, cellOf(o) },
	"read":  func(c cell, o operation) (bool, cell) { return c == cellOf(o), c },
}

func cellOf(o operation) cell {
	if o.Value == nil {
		return cell{}
	}
	return cell{true, *o.Value}
}
