// Package api serves Toxiproxy's own HTTP routes and, beside them, those of the lab: faults on many links, links, clock and health.
//
// It imports every other package of this program. Begin with Server and its Routes.
package api

import (
	"context"
	"net/http"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"stormlab/toxiproxy/internal/fault"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/toxic"
)

// The stock server's timeouts.
const (
	writeTimeout = 30 * time.Second
	readTimeout  = 15 * time.Second
	idleTimeout  = 60 * time.Second
)

const (
	// maxConnections take some 770 MB, at 190 kB each while bytes pass both ways, of the 1 GB that a door has.
	maxConnections = 4096
	// refusalsLogged is how many connections that were not carried are logged a second; the journal has them all.
	refusalsLogged = 10
)

// A Server is Toxiproxy's server with the lab's links and faults.
type Server struct {
	Links  *link.Registry
	Faults *fault.Manager

	// MaxConnections bounds the connections of all pairs together, with those that are being dialled.
	MaxConnections atomic.Int64

	stock     *toxiproxy.ApiServer
	refusals  zerolog.Logger   // Of connections that are not carried.
	dialling  atomic.Int64     // Connections of pairs that are on no link yet.
	pairs     map[string]*pair // By name. Not changed after the start.
	upstreams []string         // The only ones that links may lead to; none: any.
	changing  sync.Mutex       // Links are made one after the other.
}

// NewServer makes the server of a stock server. Its links may lead to these upstreams alone; to any, where none is given.
func NewServer(stock *toxiproxy.ApiServer, upstreams ...string) *Server {
	links := link.NewRegistry(stock)
	s := &Server{
		Links: links, Faults: fault.NewManager(links), stock: stock,
		refusals: stock.Logger.Sample(&zerolog.BurstSampler{Burst: refusalsLogged, Period: time.Second}),
		pairs:    map[string]*pair{}, upstreams: upstreams,
	}
	s.MaxConnections.Store(maxConnections)
	return s
}

// Serve answers requests until SIGINT or SIGTERM.
func (s *Server) Serve(address string) error {
	server := &http.Server{
		Addr: address, Handler: s.Routes(), WriteTimeout: writeTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	s.catchUp()
	go s.Watch(stop)
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	s.stock.Logger.Info().Str("address", address).Str("version", toxiproxy.Version).Msg("Starting Toxiproxy HTTP server")
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
	}
	s.stock.Logger.Info().Msg("Shutdown started")
	limit, done := context.WithTimeout(context.Background(), idleTimeout)
	defer done()
	return server.Shutdown(limit)
}

// watchInterval is how often the server looks for what no request reports: proxies and connections that were made or ended.
const watchInterval = 250 * time.Millisecond

// Watch keeps links, toxics and gates up to date until the context is done.
func (s *Server) Watch(until context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-until.Done():
			return
		case <-tick.C:
		}
		s.catchUp()
		for _, l := range s.Links.All() {
			toxic.AttachNew(l)
			l.Live()
			l.Gate.Prune(l.Proxy, s.Faults.IsOn)
			l.ReviveIfDead(time.Now())
		}
	}
}

// catchUp takes over what was done through the stock API: new proxies become links, and the faults that are on are applied to links
// that were made again.
func (s *Server) catchUp() {
	s.Links.Refresh()
	s.Faults.Rejoin()
}

// Version is the version of the Toxiproxy module with which this program was built.
func Version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "github.com/Shopify/toxiproxy/v2" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}
