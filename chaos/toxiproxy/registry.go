package main

import (
	"slices"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

// A registry knows our link for each of Toxiproxy's proxies, also while Toxiproxy's own collection is locked by a call that
// hangs.
type registry struct {
	server *toxiproxy.ApiServer

	refreshing sync.Mutex
	asking     chan map[string]*toxiproxy.Proxy // An answer that is still to come: one question at a time.
	mu         sync.RWMutex
	links      map[string]*link
}

func newRegistry(server *toxiproxy.ApiServer) *registry {
	return &registry{server: server, links: map[string]*link{}}
}

func (r *registry) get(name string) *link {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.links[name]
}

// all lists the links by name.
func (r *registry) all() []*link {
	r.mu.RLock()
	defer r.mu.RUnlock()
	links := make([]*link, 0, len(r.links))
	for _, l := range r.links {
		links = append(links, l)
	}
	slices.SortFunc(links, func(a, b *link) int { return strings.Compare(a.name, b.name) })
	return links
}

// collectionTime bounds the wait for Toxiproxy's collection, which a proxy's removal may keep locked for minutes.
const collectionTime = time.Second

// refresh follows what was done through the stock API.
func (r *registry) refresh() {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	limit := time.After(collectionTime)
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

func (r *registry) follow(proxies map[string]*toxiproxy.Proxy) {
	for name, proxy := range proxies {
		r.adopt(name, proxy)
	}
	for _, l := range r.all() {
		if proxies[l.name] != l.proxy {
			r.drop(l)
		}
	}
}

// take makes a proxy ours at once, where we made it.
func (r *registry) take(name string, proxy *toxiproxy.Proxy) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.adopt(name, proxy)
}

func (r *registry) adopt(name string, proxy *toxiproxy.Proxy) {
	if l := r.get(name); l != nil && l.proxy == proxy {
		return
	}
	l, ok := adopt(name, proxy)
	if !ok {
		return // It is locked; the next look comes soon.
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[name] = l
}

func (r *registry) drop(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links[l.name] == l {
		delete(r.links, l.name)
	}
}
