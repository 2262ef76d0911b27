package main

// message is one message of a queue.
type message struct {
	sent      bool
	waiting   bool
	delivered bool
}

// messageSteps says how often a message is delivered: `least` at least once, by the end; `most` at most once.
func messageSteps(least, most bool) map[string]func(message, operation) (bool, message) {
	return map[string]func(message, operation) (bool, message){
		"enqueue": func(_ message, _ operation) (bool, message) { return true, message{sent: true, waiting: true} },
		// A dequeue without an answer may have taken the message, or found it gone.
		"dequeue": func(m message, o operation) (bool, message) {
			ok := m.sent && (m.waiting || !most)
			return ok || o.Return == nil, message{m.sent, false, m.delivered || m.sent}
		},
		// The last look: what was acknowledged was delivered.
		"end": func(m message, o operation) (bool, message) {
			return !least || o.CameBack != acknowledged || m.delivered, m
		},
	}
}
