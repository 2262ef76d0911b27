package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"stormlab/toxiproxy/internal/clock"
	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
	"stormlab/toxiproxy/internal/toxic"
)

// maxBody bounds a request; 1,000 links need a tenth of it.
const maxBody = 4 << 20

// Routes returns the stock routes and ours.
func (s *Server) Routes() *mux.Router {
	r := s.stock.Routes()
	r.Use(s.guardStock, s.followStock)
	route(r, "POST", "/lab/faults", http.StatusCreated, func(_ map[string]string, body *fault.Request) (any, *problem.Details) {
		return result(s.Faults.Begin(body))
	})
	route(r, "GET", "/lab/faults", http.StatusOK, func(map[string]string, *nothing) (any, *problem.Details) {
		return s.Faults.List(), nil
	})
	route(r, "GET", "/lab/faults/{id}", http.StatusOK, func(at map[string]string, _ *nothing) (any, *problem.Details) {
		f, p := s.Faults.Find(at["id"])
		if p != nil {
			return nil, p
		}
		return f.View(), nil
	})
	route(r, "POST", "/lab/faults/{id}/renew", http.StatusOK, func(at map[string]string, body *RenewRequest) (any, *problem.Details) {
		return result(s.Faults.Renew(at["id"], body.LeaseMs))
	})
	route(r, "POST", "/lab/faults/{id}/wait", http.StatusOK, func(at map[string]string, body *WaitRequest) (any, *problem.Details) {
		return result(s.Faults.Wait(at["id"], body.WithinMs))
	})
	route(r, "DELETE", "/lab/faults/{id}", http.StatusOK, func(at map[string]string, _ *nothing) (any, *problem.Details) {
		return result(s.Faults.End(at["id"]))
	})
	route(r, "POST", "/lab/heal", http.StatusOK, func(map[string]string, *nothing) (any, *problem.Details) {
		return s.Faults.Heal(), nil
	})
	route(r, "PUT", "/lab/links", http.StatusOK, func(_ map[string]string, body *LinksRequest) (any, *problem.Details) {
		return result(s.ensure(body))
	})
	route(r, "GET", "/lab/links", http.StatusOK, func(map[string]string, *nothing) (any, *problem.Details) {
		return s.links(), nil
	})
	route(r, "GET", "/lab/pairs", http.StatusOK, func(map[string]string, *nothing) (any, *problem.Details) {
		return s.listPairs(), nil
	})
	route(r, "PUT", "/lab/peers", http.StatusOK, func(_ map[string]string, body *PeersRequest) (any, *problem.Details) {
		return result(s.ensurePeers(body))
	})
	route(r, "GET", "/lab/clock", http.StatusOK, func(map[string]string, *nothing) (any, *problem.Details) {
		return ClockView{clock.MonoNs()}, nil
	})
	route(r, "GET", "/lab/healthz", http.StatusOK, func(map[string]string, *nothing) (any, *problem.Details) {
		return healthView{"ok", len(s.Links.All()), s.Faults.Count(), Version()}, nil
	})
	r.Use(refuseBrowsers)
	return r
}

type (
	nothing struct{}
	// A RenewRequest asks for a longer lease.
	RenewRequest struct {
		LeaseMs int64 `json:"lease_ms"`
	}
	// A WaitRequest asks for a fault once it no longer waits for its anchor.
	WaitRequest struct {
		WithinMs int64 `json:"within_ms"`
	}
	// A ClockView is the clock as GET shows it.
	ClockView struct {
		MonoNs int64 `json:"mono_ns"`
	}
	healthView struct {
		Status  string `json:"status"`
		Links   int    `json:"links"`
		Faults  int    `json:"faults"`
		Version string `json:"version"`
	}
)

// result returns a nil answer where there is a problem: a nil pointer in an interface is not nil.
func result[T any](answer *T, p *problem.Details) (any, *problem.Details) {
	if p != nil {
		return nil, p
	}
	return answer, nil
}

// route registers a route that reads the body strictly, unless B is nothing, and writes the answer or the problem.
func route[B any](r *mux.Router, method, path string, status int, do func(at map[string]string, body *B) (any, *problem.Details)) {
	r.HandleFunc(path, func(w http.ResponseWriter, request *http.Request) {
		var body B
		if _, empty := any(body).(nothing); !empty {
			decoder := json.NewDecoder(http.MaxBytesReader(w, request.Body, maxBody))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&body); err != nil {
				write(w, http.StatusBadRequest, problem.BadRequest("the request's body: %s", problem.OfJSON(err)))
				return
			}
		}
		answer, p := do(mux.Vars(request), &body)
		if p != nil {
			write(w, p.Status, p)
			return
		}
		write(w, status, answer)
	}).Methods(method).Name(method + " " + path)
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // The client may have disconnected; the error has no other receiver.
}

// followStock makes a stock request that changes something run alone on its links, and takes over what it has changed before its
// answer is sent, so that a proxy or toxic made by a stock client is ours when that client receives the answer.
func (s *Server) followStock(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		name := mux.CurrentRoute(request).GetName()
		if !stockChanges[name] {
			next.ServeHTTP(w, request)
			return
		}
		var links []*link.Link
		if l := s.Links.Get(mux.Vars(request)["proxy"]); l != nil && strings.HasPrefix(name, "Toxic") {
			links = []*link.Link{l}
		} else if name == "ResetState" {
			links = s.Links.All()
		}
		if busy := alone(links, func() { next.ServeHTTP(w, request) }); busy != nil {
			write(w, busy.Status, busy)
			return
		}
		s.catchUp()
		for _, l := range links {
			toxic.AttachNew(l)
		}
	})
}

// alone runs do while no other request changes the links' toxics.
func alone(links []*link.Link, do func()) *problem.Details {
	for _, l := range links {
		if !link.LockWithin(&l.Changing, 2*link.Timeout) {
			return &problem.Details{Status: http.StatusServiceUnavailable, Message: "link " + l.Name + " is busy: " + link.ErrStuck.Error()}
		}
		defer l.Changing.Unlock()
		if err := l.Repair(); err != nil {
			return &problem.Details{Status: http.StatusServiceUnavailable, Message: "link " + l.Name + ": " + err.Error()}
		}
	}
	do()
	return nil
}

// stockChanges names the stock routes that change something.
var stockChanges = map[string]bool{
	"ResetState": true, "ProxyCreate": true, "Populate": true, "ProxyUpdate": true, "ProxyDelete": true,
	"ToxicCreate": true, "ToxicUpdate": true, "ToxicDelete": true,
}
