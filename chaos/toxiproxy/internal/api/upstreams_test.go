package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
)

// TestALinkLeadsNowhereButWhereTheServerWasToldAtItsStart asks by every route that can make a link or move one.
func TestALinkLeadsNowhereButWhereTheServerWasToldAtItsStart(t *testing.T) {
	h := labtest.NewRestricted(t, func(upstream string) []string { return []string{upstream} }, "a")
	allowed := h.Upstream
	for _, try := range []struct{ method, path, body string }{
		{"POST", "/proxies", `{"name": "mine", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:8766"}`},
		{"POST", "/proxies", `{"name": "mine", "listen": "127.0.0.1:0", "upstream": "` + allowed + `", "UPSTREAM": "127.0.0.1:8766"}`},
		{"POST", "/proxies", `{"name": "mine", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:8766"} {"upstream": "` + allowed + `"}`},
		{"POST", "/populate", `[{"name": "b", "listen": "127.0.0.1:0", "upstream": "` + allowed + `"}, {"name": "mine", "upstream": "127.0.0.1:8766"}]`},
		{"POST", "/proxies/a", `{"upstream": "127.0.0.1:8766"}`},
		{"PATCH", "/proxies/a", `{"Upstream": "127.0.0.1:8766"}`},
		{"PUT", "/lab/links", `{"links": [{"name": "mine", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:8766"}]}`},
	} {
		request, err := http.NewRequest(try.method, h.URL+try.path, strings.NewReader(try.body))
		h.Must(err)
		response, err := http.DefaultClient.Do(request)
		h.Must(err)
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden || !strings.Contains(string(text), allowed) {
			t.Errorf("%s %s %s: answered %d %s", try.method, try.path, try.body, response.StatusCode, text)
		}
	}
	var now api.LinksView
	h.Call("GET", "/lab/links", nil, http.StatusOK, &now)
	if links := now.Links; len(links) != 1 || links[0].Upstream != allowed {
		t.Errorf("the links are now %+v", links)
	}
}

func TestAnAllowedLinkIsMadeByEveryRoute(t *testing.T) {
	h := labtest.NewRestricted(t, func(upstream string) []string { return api.SplitUpstreams("192.0.2.1:1, " + upstream) })
	allowed := h.Upstream
	h.Call("POST", "/proxies", map[string]any{"name": "a", "listen": "127.0.0.1:0", "upstream": allowed}, http.StatusCreated, nil)
	h.Call("PUT", "/lab/links", api.LinksRequest{Links: []link.Spec{{Name: "b", Listen: "127.0.0.1:0", Upstream: allowed}}}, http.StatusOK, nil)
	h.Call("POST", "/proxies/a", map[string]any{"enabled": false}, http.StatusOK, nil)
	h.Call("POST", "/proxies/a", map[string]any{"enabled": true}, http.StatusOK, nil)
	h.Connect("a")
	h.Connect("b")
}
