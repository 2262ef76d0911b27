package main

import "github.com/anishathalye/porcupine"

// specification is a sequential object: its states and what each operation does, and the names of the operations.
type specification struct {
	model porcupine.Model
	known func(op string) bool
}

// models are all specifications by the name that a history's header has.
var models = map[string]specification{
	"tasks":         specified(register{}, steps),
	"register":      specified(cell{}, cellSteps),
	"at least once": specified(message{}, messageSteps(true, false)),
	"at most once":  specified(message{}, messageSteps(false, true)),
	"exactly once":  specified(message{}, messageSteps(true, true)),
}

// specified makes the specification of an object that begins as `begin`, of one function an operation: it returns whether
// the operation may come back as it did, and the next state.
func specified[S any](begin S, steps map[string]func(S, operation) (bool, S)) specification {
	return specification{
		model: porcupine.Model{
			Init: func() interface{} { return begin },
			Step: func(state, input, _ interface{}) (bool, interface{}) {
				o := input.(operation)
				ok, next := steps[o.Op](state.(S), o)
				return ok, next
			},
		},
		known: func(op string) bool { _, is := steps[op]; return is },
	}
}
