package api_test

import (
	"net/http"
	"testing"

	"stormlab/toxiproxy/internal/labtest"
)

func TestABrowserIsRefusedOnOurRoutesToo(t *testing.T) {
	h := labtest.New(t)
	request, err := http.NewRequest("GET", h.URL+"/lab/healthz", nil)
	h.Must(err)
	request.Header.Set("User-Agent", "Mozilla/5.0")
	response, err := http.DefaultClient.Do(request)
	h.Must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Error("answered", response.StatusCode)
	}
}

func TestAPageIsRefusedUnderEveryNameAndOnEveryRoute(t *testing.T) {
	h := labtest.New(t, "a")
	for _, call := range []struct{ method, path string }{
		{"GET", "/proxies"}, {"POST", "/proxies"}, {"POST", "/reset"}, {"DELETE", "/proxies/a"}, {"GET", "/version"}, {"GET", "/lab/healthz"}, {"POST", "/lab/heal"},
	} {
		for _, from := range []struct{ host, origin string }{
			{"evil.example", ""}, {"evil.example:8474", ""}, {"127.0.0.1.evil.example:8474", ""}, {"127.0.0.1:8474", "http://evil.example"}, {"localhost", "null"},
		} {
			request, err := http.NewRequest(call.method, h.URL+call.path, nil)
			h.Must(err)
			request.Host = from.host
			if from.origin != "" {
				request.Header.Set("Origin", from.origin)
			}
			response, err := http.DefaultClient.Do(request)
			h.Must(err)
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Error(call, from, "answered", response.StatusCode)
			}
		}
	}
	if h.Server.Links.Get("a") == nil {
		t.Error("the link is gone")
	}
}
