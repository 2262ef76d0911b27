package api_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	stockclient "github.com/Shopify/toxiproxy/v2/client"

	"stormlab/toxiproxy/internal/labtest"
)

const module = "github.com/Shopify/toxiproxy/v2"

// The module's API tests start a server of their own. Here its place is taken by ours, and they run otherwise unchanged.
func TestTheModulesOwnAPITestsPassAgainstOurServer(t *testing.T) {
	h := labtest.New(t)
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	h.Must(err)
	copied := filepath.Join(t.TempDir(), "toxiproxy")
	h.Must(os.CopyFS(copied, os.DirFS(strings.TrimSpace(string(folder)))))
	h.Must(os.Chmod(copied, 0o700))
	names := patchAPITests(h, filepath.Join(copied, "api_test.go"))
	modules, err := os.ReadFile("../../go.mod")
	h.Must(err)
	sums, err := os.ReadFile("../../go.sum")
	h.Must(err)
	goMod := filepath.Join(t.TempDir(), "go.mod")
	h.Must(os.WriteFile(goMod, fmt.Appendf(modules, "\nreplace %s => %s\n", module, copied), 0o600))
	h.Must(os.WriteFile(strings.TrimSuffix(goMod, "mod")+"sum", sums, 0o600))
	run := exec.Command("go", "test", "-count=1", "-v", "-modfile", goMod, "-run", "^("+strings.Join(names, "|")+")$", module)
	output, err := run.CombinedOutput()
	passed := strings.Count(string(output), "--- PASS")
	if err != nil || passed != len(names) || passed < 30 {
		t.Fatalf("%d of %d passed (%v):\n%s", passed, len(names), err, output)
	}
	t.Logf("%d of the module's API tests passed", passed)
}

// patchAPITests puts our server in place of theirs, and gives the names of the tests.
func patchAPITests(h *labtest.Harness, path string) (names []string) {
	h.Helper()
	text, err := os.ReadFile(path)
	h.Must(err)
	source := string(text)
	for _, change := range []struct{ what, with string }{
		{`(?s)go testServer\.Listen.*?Millisecond\)`, ""},
		{`err := testServer\.Collection\.Clear\(\)`, `var err error
			proxies, _ := client.Proxies()
			for _, proxy := range proxies {
				err = proxy.Delete()
			}`},
		{`http://(127\.0\.0\.1|localhost):8475`, h.URL},
		{`\t"time"\n`, ""},
	} {
		changed := regexp.MustCompile(change.what).ReplaceAllLiteralString(source, change.with)
		if changed == source {
			h.Fatalf("the module's tests have no %s", change.what)
		}
		source = changed
	}
	h.Must(os.Remove(path))
	h.Must(os.WriteFile(path, []byte(source), 0o600))
	for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllStringSubmatch(source, -1) {
		names = append(names, name[1])
	}
	return names
}

func TestTheStockClientSetsChangesAndRemovesOurToxics(t *testing.T) {
	h := labtest.New(t)
	stock := stockclient.NewClient(h.URL)
	proxy, err := stock.CreateProxy("a", "127.0.0.1:0", h.Upstream)
	h.Must(err)
	c, server := h.Connect("a")
	_, err = proxy.AddToxic("c", "corrupt", "upstream", 1, stockclient.Attributes{"rate_per_byte": 1, "flip": "zero", "seed": 3})
	h.Must(err)
	c.Send([]byte("abc"))
	server.Expect([]byte{0, 0, 0})
	changed, err := proxy.UpdateToxic("c", -1, stockclient.Attributes{"rate_per_byte": 0})
	h.Must(err)
	if changed.Attributes["flip"] != "zero" || changed.Attributes["seed"] != 3.0 || changed.Attributes["rate_per_byte"] != 0.0 {
		t.Errorf("the changed toxic is %+v", changed)
	}
	c.Send([]byte("abc"))
	server.Expect([]byte("abc"))
	if _, err = proxy.UpdateToxic("c", -1, stockclient.Attributes{"rate_per_byte": 7}); err == nil || !strings.Contains(err.Error(), "between 0 and 1") {
		t.Error("a wrong attribute was answered with", err)
	}
	if _, err = proxy.AddToxic("", "hold", "downstream", 1, nil); err != nil {
		t.Error(err)
	}
	server.Send([]byte("held"))
	c.Silent(50 * time.Millisecond)
	h.Must(proxy.RemoveToxic("hold_downstream"))
	h.Must(proxy.RemoveToxic("c"))
	c.Expect([]byte("held"))
	if toxics, err := proxy.Toxics(); err != nil || len(toxics) > 0 {
		t.Error("left:", toxics, err)
	}
}
