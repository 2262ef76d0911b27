package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"stormlab/toxiproxy/internal/problem"
)

// apiNames are the names of this server in the networks of the lab. Every address is accepted too: a page can point a name of its own
// at this machine (DNS rebinding), but no address.
var apiNames = []string{"localhost", "toxiproxy", "toxiproxy-api"}

// refuseBrowsers refuses requests under other names, and all that a page makes: a browser sends Host as the page wrote it (RFC 9110,
// section 7.2) and, with each request that changes something, Origin (RFC 6454). The stock server recognises a browser by its
// User-Agent alone.
func refuseBrowsers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !isOwnName(request.Host) || request.Header.Get("Origin") != "" {
			write(w, http.StatusForbidden, &problem.Details{Status: http.StatusForbidden, Message: "this API answers no page of a browser, and no name but its own"})
			return
		}
		next.ServeHTTP(w, request)
	})
}

func isOwnName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return slices.Contains(apiNames, strings.ToLower(name))
}
