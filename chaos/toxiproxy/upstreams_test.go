package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestALinkLeadsNowhereButWhereTheServerWasToldAtItsStart asks by every route that can make a link or move one.
func TestALinkLeadsNowhereButWhereTheServerWasToldAtItsStart(t *testing.T) {
	w := newWorld(t, "a")
	allowed := w.server.Addr().String()
	w.lab.upstreams = []string{allowed}
	for _, try := range []struct{ method, path, body string }{
		{"POST", "/proxies", `{"name": "mine", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:8766"}`},
		{"POST", "/proxies", `{"name": "mine", "listen": "127.0.0.1:0", "upstream": "` + allowed + `", "UPSTREAM": "127.0.0.1:8766"}`},
		{"POST", "/proxies", `{"name": "mine", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:8766"} {"upstream": "` + allowed + `"}`},
		{"POST", "/populate", `[{"name": "b", "listen": "127.0.0.1:0", "upstream": "` + allowed + `"}, {"name": "mine", "upstream": "127.0.0.1:8766"}]`},
		{"POST", "/proxies/a", `{"upstream": "127.0.0.1:8766"}`},
		{"PATCH", "/proxies/a", `{"Upstream": "127.0.0.1:8766"}`},
		{"PUT", "/lab/links", `{"links": [{"name": "mine", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:8766"}]}`},
	} {
		request, err := http.NewRequest(try.method, w.api+try.path, strings.NewReader(try.body))
		w.must(err)
		response, err := http.DefaultClient.Do(request)
		w.must(err)
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden || !strings.Contains(string(text), allowed) {
			t.Errorf("%s %s %s: answered %d %s", try.method, try.path, try.body, response.StatusCode, text)
		}
	}
	if links := w.lab.links().Links; len(links) != 1 || links[0].Upstream != allowed {
		t.Errorf("the links are now %+v", links)
	}
}

func TestAnAllowedLinkIsMadeByEveryRoute(t *testing.T) {
	w := newWorld(t)
	allowed := w.server.Addr().String()
	w.lab.upstreams = splitUpstreams("192.0.2.1:1, " + allowed)
	w.call("POST", "/proxies", map[string]any{"name": "a", "listen": "127.0.0.1:0", "upstream": allowed}, http.StatusCreated, nil)
	w.call("PUT", "/lab/links", linksRequest{Links: []linkSpec{{"b", "127.0.0.1:0", allowed}}}, http.StatusOK, nil)
	w.call("POST", "/proxies/a", map[string]any{"enabled": false}, http.StatusOK, nil)
	w.call("POST", "/proxies/a", map[string]any{"enabled": true}, http.StatusOK, nil)
	w.connect("a")
	w.connect("b")
}

func TestAServerThatWasToldNothingLetsLinksLeadAnywhere(t *testing.T) {
	w := newWorld(t)
	if p := w.lab.forbids("192.0.2.1:80"); p != nil || len(splitUpstreams("")) > 0 {
		t.Error(p)
	}
}
