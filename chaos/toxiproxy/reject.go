package main

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// reject answers the HTTP request of a new connection itself, and closes.
type reject struct {
	Status      int  `json:"status"`
	RetryAfterS *int `json:"retry_after_s,omitempty"`
}

// maxRequest is as much of a request as is read in search of its end.
const maxRequest = 16 << 10

func (r reject) checked() (reject, error) {
	if r.Status == 0 {
		r.Status = http.StatusServiceUnavailable
	}
	if r.Status < 400 || r.Status > 599 {
		return r, fmt.Errorf("status must be between 400 and 599, not %d", r.Status)
	}
	if r.RetryAfterS != nil && *r.RetryAfterS < 0 {
		return r, fmt.Errorf("retry_after_s must be at least 0, not %d", *r.RetryAfterS)
	}
	return r, nil
}

func (r reject) counter() string { return "rejected_connections" }

func (r reject) open(m *memory) verdict {
	m.swallows = true
	return verdict{lost: true}
}

func (r reject) decide(m *memory, at time.Time, data []byte) verdict {
	if !m.swallows {
		return verdict{pieces: pass(data, at)}
	}
	answered := endOfRequest(m.request)
	m.request = append(m.request, data[:min(len(data), maxRequest-len(m.request))]...)
	if answered || !endOfRequest(m.request) {
		return verdict{}
	}
	return verdict{hits: 1, reply: r.answer(), ending: finsNow}
}

func endOfRequest(request []byte) bool {
	return len(request) == maxRequest || bytes.Contains(request, []byte("\r\n\r\n"))
}

func (r reject) answer() []byte {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n", r.Status, http.StatusText(r.Status))
	if r.RetryAfterS != nil {
		head += fmt.Sprintf("Retry-After: %d\r\n", *r.RetryAfterS)
	}
	return []byte(head + "\r\n")
}
