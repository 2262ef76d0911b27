package main

import (
	"fmt"
	"math"
)

// operation is one thing that a client asked for, or saw, of one task, key or message (of all, when Task is empty).
//
// Call and Return are instants on one clock; Return is null for an operation that never came back. CameBack is what did.
// Value is what a register's read returned or its write wrote; null is nothing.
type operation struct {
	Client   string  `json:"client"`
	Op       string  `json:"op"`
	Task     string  `json:"task"`
	Token    int64   `json:"token"`
	Outcome  string  `json:"outcome"`
	Call     int64   `json:"call"`
	Return   *int64  `json:"return"`
	CameBack string  `json:"came_back"`
	Value    *string `json:"value"`
}

func (o operation) returned() int64 {
	if o.Return == nil {
		return math.MaxInt64
	}
	return *o.Return
}

func (o operation) trouble(of specification) error {
	if !of.known(o.Op) {
		return fmt.Errorf("there is no operation %q", o.Op)
	}
	if o.Return != nil && *o.Return < o.Call {
		return fmt.Errorf("%s of %s returned before it was called", o.Op, o.Task)
	}
	return nil
}
