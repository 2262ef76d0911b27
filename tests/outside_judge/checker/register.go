package main

// register is one task as a durable register: it is taken, given out under growing tokens, gets one value, and is told of.
//
// The value may be set before it is told: the disk has it first, and then the line that counts is written.
type register struct {
	taken         bool
	newest        int64
	hasValue      bool
	value         int64
	outcome       string
	told          bool
	toldInThisRun bool
	acknowledged  bool
}

const (
	acknowledged = "acknowledged"
	completed    = "completed"
	drained      = "drained"
)

// steps is the whole sequential specification: what each operation does, and whether it may come back as it did.
var steps = map[string]func(register, operation) (bool, register){
	"submit":     submit,
	"held":       held,
	"give":       give,
	"complete":   complete,
	"checkpoint": checkpoint,
	"told":       told,
	"restart":    restart,
	"end":        end,
}

// submit: the driver hands a task in. Again changes nothing.
func submit(r register, _ operation) (bool, register) {
	r.taken = true
	return true, r
}

// held: the coordinator says that it has the task. Somebody must have handed it in.
func held(r register, _ operation) (bool, register) {
	return r.taken, r
}

// give: an attempt begins, under a token that is newer than all before; never of a task that has its result.
func give(r register, o operation) (bool, register) {
	ok := r.taken && !r.hasValue && o.Token > r.newest
	r.newest = o.Token
	return ok, r
}

// complete: a worker hands a result in. It counts if it is the first, and of the newest attempt. Acknowledged, it must
// have counted; without an answer, or refused, it may have or not.
func complete(r register, o operation) (bool, register) {
	if r.taken && !r.hasValue && r.newest == o.Token {
		r.hasValue, r.value, r.outcome = true, o.Token, completed
	}
	if o.CameBack != acknowledged {
		return true, r
	}
	r.acknowledged = true
	return r.hasValue && r.value == o.Token && r.outcome == completed, r
}

// checkpoint: a checkpoint is kept. It must be of the newest attempt.
func checkpoint(r register, o operation) (bool, register) {
	return o.Token == r.newest, r
}

// told: the line that counts a result is written: of the value that stands, of the newest attempt, and once in a life of
// the coordinator. A task fails by the coordinator's own decision, so that a failure sets the value too.
func told(r register, o operation) (bool, register) {
	if o.Outcome != completed && r.taken && !r.hasValue && r.newest == o.Token {
		r.hasValue, r.value, r.outcome = true, o.Token, o.Outcome
	}
	stands := r.hasValue && r.value == o.Token && r.outcome == o.Outcome && r.newest == o.Token
	ok := stands && !r.toldInThisRun
	r.told, r.toldInThisRun = true, true
	return ok, r
}

// restart: a new life of the coordinator, which may tell again what it cannot know to have told.
func restart(r register, _ operation) (bool, register) {
	r.toldInThisRun = false
	return true, r
}

// end: the last look. What was acknowledged was told; and once all was drained, so was whatever had been taken.
func end(r register, o operation) (bool, register) {
	vanished := r.acknowledged && !r.told
	lost := o.CameBack == drained && r.taken && !r.told
	return !vanished && !lost, r
}
