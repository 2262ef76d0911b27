// Checker reads histories, and says of each whether Porcupine can put its operations into one order that a simple
// sequential object would have given: a durable task register, a register of values, or a queue.
//
// Standard input: JSON lines. {"history": NAME, "model": MODEL} begins a history, every other line is one operation of
// it (see operation.go). Models are in models.go; without one it is "tasks". Standard output: one line of JSON for each history. Exit status: 0 when all are linearizable, 1 when one
// is not or could not be decided, 64 when the input cannot be read.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	exitHolds   = 0
	exitBroken  = 1
	exitUse     = 64
	lineMax     = 1 << 20
	timePerTask = 20 * time.Second
)

// line is a header or an operation: a header has the name of a history, and its model.
type line struct {
	History string `json:"history"`
	Model   string `json:"model"`
	operation
}

func (l line) model() string {
	if l.Model == "" {
		return "tasks"
	}
	return l.Model
}

// answer is what is told of one history. Verdict is linearizable, broken (by the history of Task), or undecided.
type answer struct {
	History    string `json:"history"`
	Verdict    string `json:"verdict"`
	Task       string `json:"task"`
	Operations int    `json:"operations"`
}

func main() {
	allHold, err := run(os.Stdin, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUse)
	case !allHold:
		os.Exit(exitBroken)
	}
	os.Exit(exitHolds)
}

func run(in io.Reader, out io.Writer) (allHold bool, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, lineMax), lineMax)
	told := bufio.NewWriter(out)
	defer told.Flush()
	encoder := json.NewEncoder(told)
	allHold = true
	name, of, operations := "", models["tasks"], []operation(nil)
	tell := func() error {
		if name == "" {
			return nil
		}
		found := judge(name, of, operations)
		allHold = allHold && found.Verdict == linearizable
		return encoder.Encode(found)
	}
	number := 0
	for lines.Scan() {
		number++
		if len(lines.Bytes()) == 0 {
			continue
		}
		var read line
		if err := json.Unmarshal(lines.Bytes(), &read); err != nil {
			return false, fmt.Errorf("line %d is not JSON: %w", number, err)
		}
		if read.History != "" {
			if err := tell(); err != nil {
				return false, err
			}
			model, known := models[read.model()]
			if !known {
				return false, fmt.Errorf("line %d: there is no model %q", number, read.Model)
			}
			name, of, operations = read.History, model, operations[:0]
			continue
		}
		if err := read.operation.trouble(of); err != nil {
			return false, fmt.Errorf("line %d: %w", number, err)
		}
		if name == "" {
			return false, fmt.Errorf(`line %d: expected {"history": NAME} before the first operation`, number)
		}
		operations = append(operations, read.operation)
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("line %d: %w", number+1, err)
	}
	return allHold, tell()
}
