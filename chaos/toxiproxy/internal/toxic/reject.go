package toxic

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"stormlab/toxiproxy/internal/stage"
)

// Reject answers the HTTP request of a new connection itself, and closes.
type Reject struct {
	Status      int  `json:"status"`
	RetryAfterS *int `json:"retry_after_s,omitempty"`
}

// maxRequest bounds how much of a request is read in search of its end.
const maxRequest = 16 << 10

func (r Reject) Checked() (Reject, error) {
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

func (r Reject) Counter() string { return "rejected_connections" }

func (r Reject) Open(m *stage.ConnState) stage.Decision {
	m.Swallows = true
	return stage.Decision{Lost: true}
}

func (r Reject) Decide(m *stage.ConnState, at time.Time, data []byte) stage.Decision {
	if !m.Swallows {
		return stage.Decision{Pieces: stage.Pass(data, at)}
	}
	answered := endOfRequest(m.Request)
	m.Request = append(m.Request, data[:min(len(data), maxRequest-len(m.Request))]...)
	if answered || !endOfRequest(m.Request) {
		return stage.Decision{}
	}
	return stage.Decision{Hits: 1, Reply: r.answer(), Close: stage.FINNow}
}

func endOfRequest(request []byte) bool {
	return len(request) == maxRequest || bytes.Contains(request, []byte("\r\n\r\n"))
}

func (r Reject) answer() []byte {
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n", r.Status, http.StatusText(r.Status))
	if r.RetryAfterS != nil {
		head += fmt.Sprintf("Retry-After: %d\r\n", *r.RetryAfterS)
	}
	return []byte(head + "\r\n")
}
