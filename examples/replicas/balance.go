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

// newBalancer returns what passes requests to the upstreams, each in turn, and tells them in
// X-Forwarded-For who is asking. It doesn't look which of them are there: for the one that isn't, the answer
// is 502 Bad Gateway.
func newBalancer(upstreams []*url.URL) http.Handler {
	var turn atomic.Uint64
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil              // upstreams are near
	transport.MaxIdleConnsPerHost = 64 // 2 by default, and for each request beyond a new connection
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstreams[(turn.Add(1)-1)%uint64(len(upstreams))])
			r.Out.Host = r.In.Host
			// What the client has written there itself comes first: the one entry to trust is the last.
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
	}
}
