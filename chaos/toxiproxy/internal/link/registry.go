package link

import (
	"slices"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"

	"stormlab/toxiproxy/internal/journal"
)

// A Registry has a Link for each of Toxiproxy's proxies, also while Toxiproxy's own collection is locked by a call that hangs.
type Registry struct {
	server *toxiproxy.ApiServer

	// Journal is that of all links; it is set before the first of them, if at all.
	Journal *journal.Journal

	refreshing sync.Mutex
	asking     chan map[string]*toxiproxy.Proxy // An answer that is still to come: one request at a time.
	mu         sync.RWMutex
	links      map[string]*Link
}

// NewRegistry makes the registry of a server; Refresh fills it.
func NewRegistry(server *toxiproxy.ApiServer) *Registry {
	return &Registry{server: server, links: map[string]*Link{}}
}

// Get returns a link by its name; nil where there is none.
func (r *Registry) Get(name string) *Link {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.links[name]
}

// All lists the links in the order of their names.
func (r *Registry) All() []*Link {
	r.mu.RLock()
	defer r.mu.RUnlock()
	links := make([]*Link, 0, len(r.links))
	for _, l := range r.links {
		links = append(links, l)
	}
	slices.SortFunc(links, func(a, b *Link) int { return strings.Compare(a.Name, b.Name) })
	return links
}

// Connections counts the connections of all links that have not been found ended.
func (r *Registry) Connections() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	count := 0
	for _, l := range r.links {
		l.mu.Lock()
		count += len(l.connections)
		l.mu.Unlock()
	}
	return count
}

// collectionTimeout bounds the wait for Toxiproxy's collection, which a proxy's removal may keep locked for minutes.
const collectionTimeout = time.Second

// Refresh takes over the proxies that were made or removed through the stock API.
func (r *Registry) Refresh() {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	limit := time.After(collectionTimeout)
	for {
		late := r.asking != nil
		if !late {
			answer := make(chan map[string]*toxiproxy.Proxy, 1)
			go func() { answer <- r.server.Collection.Proxies() }()
			r.asking = answer
		}
		select {
		case proxies := <-r.asking:
			r.asking = nil
			if late {
				continue // It may be older than links that we have made since; ask again.
			}
			r.follow(proxies)
			return
		case <-limit:
			return
		}
	}
}

func (r *Registry) follow(proxies map[string]*toxiproxy.Proxy) {
	for name, proxy := range proxies {
		r.adopt(name, proxy)
	}
	for _, l := range r.All() {
		if proxies[l.Name] != l.Proxy {
			r.Remove(l)
		}
	}
}

// Add adopts a proxy at once, before it accepts its first connection.
func (r *Registry) Add(name string, proxy *toxiproxy.Proxy) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.adopt(name, proxy)
}

func (r *Registry) adopt(name string, proxy *toxiproxy.Proxy) {
	if l := r.Get(name); l != nil && l.Proxy == proxy {
		return
	}
	l, ok := adopt(name, proxy, r.Journal)
	if !ok {
		return // It is locked; the next refresh tries again.
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[name] = l
}

// Remove removes a link that has no proxy any more.
func (r *Registry) Remove(l *Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links[l.Name] == l {
		delete(r.links, l.Name)
	}
}
