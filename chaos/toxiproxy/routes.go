package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// maxBody bounds a request: 1,000 links fit in a tenth of it.
const maxBody = 4 << 20

// routes puts our routes beside the stock ones.
func (lab *lab) routes() *mux.Router {
	r := lab.server.Routes()
	r.Use(lab.guardStock, lab.followStock)
	route(r, "POST", "/lab/faults", http.StatusCreated, func(_ map[string]string, body *faultRequest) (any, *problem) {
		return result(lab.begin(body))
	})
	route(r, "GET", "/lab/faults", http.StatusOK, func(map[string]string, *nothing) (any, *problem) {
		return lab.faults(), nil
	})
	route(r, "GET", "/lab/faults/{id}", http.StatusOK, func(at map[string]string, _ *nothing) (any, *problem) {
		f, p := lab.find(at["id"])
		if p != nil {
			return nil, p
		}
		return f.view(), nil
	})
	route(r, "POST", "/lab/faults/{id}/renew", http.StatusOK, func(at map[string]string, body *renewRequest) (any, *problem) {
		return result(lab.renew(at["id"], body.LeaseMs))
	})
	route(r, "DELETE", "/lab/faults/{id}", http.StatusOK, func(at map[string]string, _ *nothing) (any, *problem) {
		return result(lab.end(at["id"]))
	})
	route(r, "POST", "/lab/heal", http.StatusOK, func(map[string]string, *nothing) (any, *problem) {
		return lab.heal(), nil
	})
	route(r, "PUT", "/lab/links", http.StatusOK, func(_ map[string]string, body *linksRequest) (any, *problem) {
		return result(lab.ensure(body))
	})
	route(r, "GET", "/lab/links", http.StatusOK, func(map[string]string, *nothing) (any, *problem) {
		return lab.links(), nil
	})
	route(r, "GET", "/lab/clock", http.StatusOK, func(map[string]string, *nothing) (any, *problem) {
		return clockView{monoNs()}, nil
	})
	route(r, "GET", "/lab/healthz", http.StatusOK, func(map[string]string, *nothing) (any, *problem) {
		return healthView{"ok", len(lab.registry.all()), len(lab.running()), moduleVersion()}, nil
	})
	r.Use(refuseBrowsers)
	return r
}

type (
	nothing      struct{}
	renewRequest struct {
		LeaseMs int64 `json:"lease_ms"`
	}
	clockView struct {
		MonoNs int64 `json:"mono_ns"`
	}
	healthView struct {
		Status  string `json:"status"`
		Links   int    `json:"links"`
		Faults  int    `json:"faults"`
		Version string `json:"version"`
	}
)

// result keeps a nil pointer from becoming an answer.
func result[T any](answer *T, p *problem) (any, *problem) {
	if p != nil {
		return nil, p
	}
	return answer, nil
}

// route reads the body strictly, unless there should be nothing, and writes the answer or the problem.
func route[B any](r *mux.Router, method, path string, status int, do func(at map[string]string, body *B) (any, *problem)) {
	r.HandleFunc(path, func(w http.ResponseWriter, request *http.Request) {
		var body B
		if _, empty := any(body).(nothing); !empty {
			decoder := json.NewDecoder(http.MaxBytesReader(w, request.Body, maxBody))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&body); err != nil {
				write(w, http.StatusBadRequest, wrong("the request's body: %s", readable(err)))
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
	_ = json.NewEncoder(w).Encode(answer) // The client may be gone; there is nobody left to tell.
}

// followStock lets a stock request that changes something run alone on its links, and takes over what it has changed before its
// answer goes out, so that a proxy or toxic made by a stock client is ours from the moment that client knows of it.
func (lab *lab) followStock(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		name := mux.CurrentRoute(request).GetName()
		if !stockChanges[name] {
			next.ServeHTTP(w, request)
			return
		}
		var links []*link
		if l := lab.registry.get(mux.Vars(request)["proxy"]); l != nil && strings.HasPrefix(name, "Toxic") {
			links = []*link{l}
		} else if name == "ResetState" {
			links = lab.registry.all()
		}
		if busy := alone(links, func() { next.ServeHTTP(w, request) }); busy != nil {
			write(w, busy.Status, busy)
			return
		}
		lab.catchUp()
		for _, l := range links {
			l.settleStrangers()
		}
	})
}

// alone runs something while nobody else changes the links' toxics.
func alone(links []*link, do func()) *problem {
	for _, l := range links {
		if !lockWithin(&l.changing, 2*linkTime) {
			return &problem{Status: http.StatusServiceUnavailable, Message: "link " + l.name + " is busy: " + errStuck.Error()}
		}
		defer l.changing.Unlock()
		if err := l.mend(); err != nil {
			return &problem{Status: http.StatusServiceUnavailable, Message: "link " + l.name + ": " + err.Error()}
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
