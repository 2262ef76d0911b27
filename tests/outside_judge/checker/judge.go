package main

import (
	"sort"

	"github.com/anishathalye/porcupine"
)

const (
	linearizable = "linearizable"
	broken       = "broken"
	undecided    = "undecided"
)

// judge asks Porcupine about each task, key or message by itself: no operation is about two, so that a history is
// linearizable if and only if each of them is.
func judge(name string, of specification, operations []operation) answer {
	found := answer{History: name, Verdict: linearizable, Operations: len(operations)}
	byTask := split(operations)
	tasks := make([]string, 0, len(byTask))
	for task := range byTask {
		tasks = append(tasks, task)
	}
	sort.Strings(tasks)
	for _, task := range tasks {
		switch porcupine.CheckOperationsTimeout(of.model, byTask[task], timePerTask) {
		case porcupine.Illegal:
			found.Verdict, found.Task = broken, task
			return found
		case porcupine.Unknown:
			found.Verdict, found.Task = undecided, task
		}
	}
	return found
}

// split sorts operations by their task; those of no task are about every one.
func split(operations []operation) map[string][]porcupine.Operation {
	byTask := map[string][]porcupine.Operation{}
	var shared []porcupine.Operation
	for _, o := range operations {
		asked := porcupine.Operation{Input: o, Call: o.Call, Return: o.returned()}
		if o.Task == "" {
			shared = append(shared, asked)
		} else {
			byTask[o.Task] = append(byTask[o.Task], asked)
		}
	}
	for task := range byTask {
		byTask[task] = append(byTask[task], shared...)
	}
	return byTask
}
