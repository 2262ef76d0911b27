package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	stockclient "github.com/Shopify/toxiproxy/v2/client"
)

const module = "github.com/Shopify/toxiproxy/v2"

// The module's API tests start a server of their own. Here its place is taken by ours, and they run otherwise unchanged.
func TestTheModulesOwnAPITestsPassAgainstOurServer(t *testing.T) {
	w := newWorld(t)
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	w.must(err)
	copied := filepath.Join(t.TempDir(), "toxiproxy")
	w.must(os.CopyFS(copied, os.DirFS(strings.TrimSpace(string(folder)))))
	w.must(os.Chmod(copied, 0o700))
	names := w.patchAPITests(filepath.Join(copied, "api_test.go"))
	modules, err := os.ReadFile("go.mod")
	w.must(err)
	sums, err := os.ReadFile("go.sum")
	w.must(err)
	goMod := filepath.Join(t.TempDir(), "go.mod")
	w.must(os.WriteFile(goMod, fmt.Appendf(modules, "\nreplace %s => %s\n", module, copied), 0o600))
	w.must(os.WriteFile(strings.TrimSuffix(goMod, "mod")+"sum", sums, 0o600))
	run := exec.Command("go", "test", "-count=1", "-v", "-modfile", goMod, "-run", "^("+strings.Join(names, "|")+")$", module)
	output, err := run.CombinedOutput()
	passed := strings.Count(string(output), "--- PASS")
	if err != nil || passed != len(names) || passed < 30 {
		t.Fatalf("%d of %d passed (%v):\n%s", passed, len(names), err, output)
	}
	t.Logf("%d of the module's API tests passed", passed)
}

// patchAPITests puts our server in place of theirs, and gives the names of the tests.
func (w *world) patchAPITests(path string) (names []string) {
	w.Helper()
	text, err := os.ReadFile(path)
	w.must(err)
	source := string(text)
	for _, change := range []struct{ what, with string }{
		{`(?s)go testServer\.Listen.*?Millisecond\)`, ""},
		{`err := testServer\.Collection\.Clear\(\)`, `var err error
			proxies, _ := client.Proxies()
			for _, proxy := range proxies {
				err = proxy.Delete()
			}`},
		{`http://(127\.0\.0\.1|localhost):8475`, w.api},
		{`\t"time"\n`, ""},
	} {
		changed := regexp.MustCompile(change.what).ReplaceAllLiteralString(source, change.with)
		if changed == source {
			w.Fatalf("the module's tests have no %s", change.what)
		}
		source = changed
	}
	w.must(os.Remove(path))
	w.must(os.WriteFile(path, []byte(source), 0o600))
	for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllStringSubmatch(source, -1) {
		names = append(names, name[1])
	}
	return names
}

func TestTheStockClientSetsChangesAndRemovesOurToxics(t *testing.T) {
	w := newWorld(t)
	stock := stockclient.NewClient(w.api)
	proxy, err := stock.CreateProxy("a", "127.0.0.1:0", w.server.Addr().String())
	w.must(err)
	c, server := w.connect("a")
	_, err = proxy.AddToxic("c", "corrupt", "upstream", 1, stockclient.Attributes{"rate_per_byte": 1, "flip": "zero", "seed": 3})
	w.must(err)
	c.send([]byte("abc"))
	server.expect([]byte{0, 0, 0})
	changed, err := proxy.UpdateToxic("c", -1, stockclient.Attributes{"rate_per_byte": 0})
	w.must(err)
	if changed.Attributes["flip"] != "zero" || changed.Attributes["seed"] != 3.0 || changed.Attributes["rate_per_byte"] != 0.0 {
		t.Errorf("the changed toxic is %+v", changed)
	}
	c.send([]byte("abc"))
	server.expect([]byte("abc"))
	if _, err = proxy.UpdateToxic("c", -1, stockclient.Attributes{"rate_per_byte": 7}); err == nil || !strings.Contains(err.Error(), "between 0 and 1") {
		t.Error("a wrong attribute was answered with", err)
	}
	if _, err = proxy.AddToxic("", "hold", "downstream", 1, nil); err != nil {
		t.Error(err)
	}
	server.send([]byte("held"))
	c.silent(50 * time.Millisecond)
	w.must(proxy.RemoveToxic("hold_downstream"))
	w.must(proxy.RemoveToxic("c"))
	c.expect([]byte("held"))
	if toxics, err := proxy.Toxics(); err != nil || len(toxics) > 0 {
		t.Error("left:", toxics, err)
	}
}

func TestAToxicOfTheDoorDoesNothingDownstream(t *testing.T) {
	w := newWorld(t, "a")
	w.call("POST", "/proxies/a/toxics", map[string]any{"type": "hang", "stream": "downstream"}, http.StatusOK, nil)
	client, server := w.connect("a")
	server.send([]byte("passes"))
	client.expect([]byte("passes"))
}

func TestABrowserIsRefusedOnOurRoutesToo(t *testing.T) {
	w := newWorld(t)
	request, err := http.NewRequest("GET", w.api+"/lab/healthz", nil)
	w.must(err)
	request.Header.Set("User-Agent", "Mozilla/5.0")
	response, err := http.DefaultClient.Do(request)
	w.must(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Error("answered", response.StatusCode)
	}
}

func TestAPageIsRefusedUnderEveryNameAndOnEveryRoute(t *testing.T) {
	w := newWorld(t, "a")
	for _, call := range []struct{ method, path string }{
		{"GET", "/proxies"}, {"POST", "/proxies"}, {"POST", "/reset"}, {"DELETE", "/proxies/a"}, {"GET", "/version"}, {"GET", "/lab/healthz"}, {"POST", "/lab/heal"},
	} {
		for _, from := range []struct{ host, origin string }{
			{"evil.example", ""}, {"evil.example:8474", ""}, {"127.0.0.1.evil.example:8474", ""}, {"127.0.0.1:8474", "http://evil.example"}, {"localhost", "null"},
		} {
			request, err := http.NewRequest(call.method, w.api+call.path, nil)
			w.must(err)
			request.Host = from.host
			if from.origin != "" {
				request.Header.Set("Origin", from.origin)
			}
			response, err := http.DefaultClient.Do(request)
			w.must(err)
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Error(call, from, "answered", response.StatusCode)
			}
		}
	}
	if w.lab.registry.get("a") == nil {
		t.Error("the link is gone")
	}
}

func TestTheServerAnswersToAddressesAndToItsNamesInTheLab(t *testing.T) {
	for _, host := range []string{"127.0.0.1:8474", "[::1]:8474", "::1", "192.168.7.1:80", "localhost", "Toxiproxy:8474", "toxiproxy-api:8474"} {
		if !isOwnName(host) {
			t.Error(host)
		}
	}
}
