package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"stormlab/toxiproxy/internal/problem"
)

// SplitUpstreams reads the list of the flag -upstreams.
func SplitUpstreams(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// forbids returns why no link may lead to an upstream; nil when one may.
func (s *Server) forbids(upstream string) *problem.Details {
	if len(s.upstreams) == 0 || slices.Contains(s.upstreams, upstream) {
		return nil
	}
	return &problem.Details{Status: http.StatusForbidden, Message: "links of this server may lead to " +
		strings.Join(s.upstreams, ", ") + " alone, not to " + readableName(upstream)}
}

func readableName(text string) string {
	quoted, _ := json.Marshal(text[:min(len(text), 100)])
	return string(quoted)
}

// guardStock refuses a stock request that would make a link lead elsewhere than -upstreams allows. It reads the body as the stock
// server does (encoding/json, the first value), so that both see the same upstream.
func (s *Server) guardStock(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		name := mux.CurrentRoute(request).GetName()
		if len(s.upstreams) == 0 || !leadsSomewhere[name] {
			next.ServeHTTP(w, request)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
		if err != nil {
			write(w, http.StatusBadRequest, problem.BadRequest("the request's body: %s", problem.OfJSON(err)))
			return
		}
		upstreams, err := upstreamsIn(body, name == "Populate")
		if err != nil {
			write(w, http.StatusBadRequest, problem.BadRequest("the request's body: %s", problem.OfJSON(err)))
			return
		}
		for _, upstream := range upstreams {
			if p := s.forbids(upstream); p != nil {
				write(w, p.Status, p)
				return
			}
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, request)
	})
}

// leadsSomewhere names the stock routes that set upstreams.
var leadsSomewhere = map[string]bool{"ProxyCreate": true, "ProxyUpdate": true, "Populate": true}

// upstreamsIn lists the upstreams that a stock request names: of one proxy, or of many.
func upstreamsIn(body []byte, many bool) (named []string, err error) {
	type proxy struct {
		Upstream *string `json:"upstream"`
	}
	proxies := make([]proxy, 1)
	decoder := json.NewDecoder(bytes.NewReader(body))
	if many {
		err = decoder.Decode(&proxies)
	} else {
		err = decoder.Decode(&proxies[0])
	}
	for _, p := range proxies {
		if p.Upstream != nil {
			named = append(named, *p.Upstream)
		}
	}
	return named, err
}
