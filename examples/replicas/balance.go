package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
)

// runBalancer runs the balancer.
func runBalancer(ctx context.Context, getenv func(string) string) error {
	upstreams, err := readUpstreams(getenv)
	if err != nil {
		return err
	}
	listen := cmp.Or(getenv("LISTEN"), defaultListen)
	return listenAndServe(ctx, listen, newBalancer(upstreams), fmt.Sprintf("balancing over %d", len(upstreams)))
}

// newBalancer returns a handler that passes requests to the upstreams in turn, with the client's address in X-Forwarded-For. It
// does not check which upstreams are available: if one is not, the response is 502 Bad Gateway.
func newBalancer(upstreams []*url.URL) http.Handler {
	var turn atomic.Uint64
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil              // upstreams are in the same network
	transport.MaxIdleConnsPerHost = 64 // the default of 2 would open a connection for most requests
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstreams[(turn.Add(1)-1)%uint64(len(upstreams))])
			r.Out.Host = r.In.Host
			// Clients can send X-Forwarded-For too, so only the last entry is trusted.
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
	}
}
