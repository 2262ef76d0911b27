// Command toxiproxy is the stock Toxiproxy server with the lab's toxics and routes: see README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/collectors"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/rs/zerolog/log"
)

// The stock server's timeouts.
const (
	writeTimeout = 30 * time.Second
	readTimeout  = 15 * time.Second
	idleTimeout  = 60 * time.Second
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
	config := flags.String("config", "", "JSON file containing proxies to create on startup")
	flags.Int64("seed", 0, "Accepted for compatibility: it has no effect on stock toxics (Toxiproxy issue 610); ours have their own seeds")
	version := flags.Bool("version", false, "print the version")
	proxyMetrics := flags.Bool("proxy-metrics", false, "enable toxiproxy-specific prometheus metrics")
	runtimeMetrics := flags.Bool("runtime-metrics", false, "enable runtime-related prometheus metrics")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	toxiproxy.Version = moduleVersion()
	if *version {
		fmt.Printf("toxiproxy-server version %s\n", toxiproxy.Version)
		return nil
	}
	if err := checkInside(); err != nil {
		return err
	}
	registerToxics()
	logger := newLogger()
	log.Logger = logger
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), logger)
	if *proxyMetrics {
		server.Metrics.ProxyMetrics = collectors.NewProxyMetricCollectors()
	}
	if *runtimeMetrics {
		server.Metrics.RuntimeMetrics = collectors.NewRuntimeMetricCollectors()
	}
	if *config != "" {
		server.PopulateConfig(*config)
	}
	lab := newLab(server)
	lab.upstreams = splitUpstreams(*upstreams)
	return listen(lab, net.JoinHostPort(*host, *port))
}

// listen serves until it is told to stop.
func listen(lab *lab, address string) error {
	api := &http.Server{
		Addr: address, Handler: lab.routes(), WriteTimeout: writeTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	lab.catchUp()
	go lab.watch(stop)
	failed := make(chan error, 1)
	go func() { failed <- api.ListenAndServe() }()
	lab.server.Logger.Info().Str("address", address).Str("version", toxiproxy.Version).Msg("Starting Toxiproxy HTTP server")
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	lab.server.Logger.Info().Msg("Shutdown started")
	limit, done := context.WithTimeout(context.Background(), idleTimeout)
	defer done()
	return api.Shutdown(limit)
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

// moduleVersion is the version of the Toxiproxy module that this was built with.
func moduleVersion() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "github.com/Shopify/toxiproxy/v2" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}

// healthcheck asks a running server how it is: an image from scratch has no curl.
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
