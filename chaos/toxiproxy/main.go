// Command toxiproxy is the stock Toxiproxy server with the lab's toxics and routes: see README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/collectors"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/log"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/internals"
	"stormlab/toxiproxy/internal/journal"
	"stormlab/toxiproxy/internal/toxic"
)

func main() {
	command, arguments := serve, os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "healthcheck" {
		command, arguments = healthcheck, arguments[1:]
	}
	if err := command(arguments); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "toxiproxy:", err)
		os.Exit(1)
	}
}

func serve(arguments []string) error {
	flags := flag.NewFlagSet("toxiproxy", flag.ExitOnError)
	host := flags.String("host", "localhost", "Host for toxiproxy's API to listen on")
	port := flags.String("port", "8474", "Port for toxiproxy's API to listen on")
	upstreams := flags.String("upstreams", "", "The only host:port, separated by commas, that links may lead to; empty: any")
	pairs := flags.String("pairs", "", "JSON file with the pairs to open on startup, each of which has one link for each address that connects")
	probeListen := flags.String("probe-listen", "", "ADDRESS:PORT at which the prober connects to the links of pairs; no client of a pair may reach it")
	probeUpstream := flags.String("probe-upstream", "", "host:port of the prober's own far end, where those connections lead")
	config := flags.String("config", "", "JSON file containing proxies to create on startup")
	lines := flags.String("journal", "", "JSON lines file to which the links' connections are written; its name without .jsonl is the process's")
	flags.Int64("seed", 0, "Accepted for compatibility: it has no effect on stock toxics (Toxiproxy issue 610); ours have their own seeds")
	version := flags.Bool("version", false, "print the version")
	proxyMetrics := flags.Bool("proxy-metrics", false, "enable toxiproxy-specific prometheus metrics")
	runtimeMetrics := flags.Bool("runtime-metrics", false, "enable runtime-related prometheus metrics")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	toxiproxy.Version = api.Version()
	if *version {
		fmt.Printf("toxiproxy-server version %s\n", toxiproxy.Version)
		return nil
	}
	if err := internals.Check(); err != nil {
		return err
	}
	toxic.Register()
	logger := newLogger()
	log.Logger = logger
	connections, err := openJournal(*lines)
	if err != nil {
		return err
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), logger)
	if *proxyMetrics {
		server.Metrics.ProxyMetrics = collectors.NewProxyMetricCollectors()
	}
	if *runtimeMetrics {
		server.Metrics.RuntimeMetrics = collectors.NewRuntimeMetricCollectors()
	}
	lab := api.NewServer(server, api.SplitUpstreams(*upstreams)...)
	lab.Links.Journal = connections
	if *config != "" {
		server.PopulateConfig(*config)
	}
	if err := open(lab, *pairs, *probeListen, *probeUpstream); err != nil {
		return err
	}
	err = lab.Serve(net.JoinHostPort(*host, *port))
	return errors.Join(err, connections.Close("stopped"))
}

// openJournal opens the journal of this path; there is none without one.
func openJournal(path string) (*journal.Journal, error) {
	if path == "" {
		return nil, nil
	}
	return journal.Open(path)
}

// open listens for pairs and for the prober, before the API answers.
func open(lab *api.Server, pairs, probeListen, probeUpstream string) error {
	if pairs != "" {
		specs, err := api.ReadPairs(pairs)
		if err != nil {
			return err
		}
		if err := lab.OpenPairs(specs); err != nil {
			return err
		}
	}
	if probeListen == "" && probeUpstream == "" {
		return nil
	}
	if pairs == "" || probeListen == "" || probeUpstream == "" {
		return errors.New("-probe-listen and -probe-upstream need each other, and -pairs")
	}
	_, err := lab.OpenProbeEntry(probeListen, probeUpstream)
	return err
}

// newLogger writes what the stock server writes, at the level that LOG_LEVEL names.
func newLogger() zerolog.Logger {
	zerolog.TimestampFunc = func() time.Time { return time.Now().UTC() }
	zerolog.CallerMarshalFunc = func(_ uintptr, file string, line int) string {
		return fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line)
	}
	logger := zerolog.New(os.Stdout).With().Caller().Timestamp().Logger()
	name, given := os.LookupEnv("LOG_LEVEL")
	if !given {
		return logger
	}
	level, err := zerolog.ParseLevel(name)
	if err != nil {
		logger.Err(err).Msgf("unknown LOG_LEVEL value: \"%s\"", name)
		return logger
	}
	return logger.Level(level)
}

// healthcheck asks a running server for its health: an image from scratch has no curl.
func healthcheck(arguments []string) error {
	flags := flag.NewFlagSet("toxiproxy healthcheck", flag.ExitOnError)
	host := flags.String("host", "127.0.0.1", "Host of the API")
	port := flags.String("port", "8474", "Port of the API")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + net.JoinHostPort(*host, *port) + "/lab/healthz")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/lab/healthz answered %s", answer.Status)
	}
	return nil
}
