package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the program of the tests be the command itself.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_TOXIPROXY") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func run(t *testing.T, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], arguments...)
	command.Env = append(os.Environ(), "RUN_TOXIPROXY=1")
	out, err := command.Output()
	return string(out), err
}

func TestTheVersionIsThatOfTheToxiproxyModule(t *testing.T) {
	out, err := run(t, "-version")
	if err != nil || !regexp.MustCompile(`^toxiproxy-server version 2\.\d+\.\d+\n$`).MatchString(out) {
		t.Errorf("%q, %v", out, err)
	}
}

func TestAHealthcheckSaysWhetherTheServerAnswers(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/lab/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, status = range []int{http.StatusOK, http.StatusServiceUnavailable} {
		if _, err := run(t, "healthcheck", "-host", host, "-port", port); (err == nil) != (status == http.StatusOK) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestAProbeEntryNeedsItsFarEndAndPairs(t *testing.T) {
	for _, flags := range [][]string{{"-probe-listen", "127.0.0.1:1"}, {"-probe-upstream", "127.0.0.1:1"}, {"-probe-listen", "a:1", "-probe-upstream", "b:1"}} {
		_, err := run(t, flags...)
		var ended *exec.ExitError
		if !errors.As(err, &ended) || !strings.Contains(string(ended.Stderr), "need each other, and -pairs") {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

func TestAJournalBeginsWithTheProcessAndEndsWithItsStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "door-db.jsonl")
	for lives := 1; lives <= 2; lives++ {
		command := exec.CommandContext(t.Context(), os.Args[0], "-port", "0", "-journal", path)
		command.Env = append(os.Environ(), "RUN_TOXIPROXY=1")
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		for log := bufio.NewScanner(out); log.Scan() && !strings.Contains(log.Text(), "Starting Toxiproxy"); {
		}
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, out)
		if err := command.Wait(); err != nil || events(t, path, "process_started") != lives || events(t, path, "process_stopping") != lives {
			t.Errorf("%v, %d first and %d last lines", err, events(t, path, "process_started"), events(t, path, "process_stopping"))
		}
	}
}

func events(t *testing.T, path, event string) int {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(text), `{"event":"`+event+`","at_ns":`)
}

func TestAJournalThatCannotBeWrittenIsAnError(t *testing.T) {
	if out, err := run(t, "-port", "0", "-journal", filepath.Join(t.TempDir(), "none", "door-db.jsonl")); err == nil {
		t.Errorf("it started: %q", out)
	}
}
