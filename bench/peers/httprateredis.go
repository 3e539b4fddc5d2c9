package main

import (
	"context"
	"net/http"

	"github.com/go-chi/httprate"
	httprateredis "github.com/go-chi/httprate-redis"

	"github.com/go-weir/weir/bench/shared/round"
)

// httprateRedis reads two counters with MGET, weighs them by the client's clock, and if it admits counts
// with INCRBY and EXPIRE in a MULTI. A lock of the whole limiter is held meanwhile: in a process one
// request, of whichever key, is decided at a time. Between processes nothing holds the two steps together,
// so that together they admit too many. The weighed count is rounded. Its keys are "PREFIX:HASH", 64 bits
// of the key and the window. It takes no notice of a request's context.
var httprateRedis = Peer{
	Limiter: round.Limiter{
		Name: "httprate-redis", About: "two counters, weighed in the client; one request at a time in a process", Client: "go-redis",
		Module: "github.com/go-chi/httprate-redis", Definition: round.SlidingCounter,
	},
	Open: func(clients *Clients, s Setting) (Allow, error) {
		counter, err := httprateredis.NewRedisLimitCounter(&httprateredis.Config{
			Client: clients.GoRedis, PrefixKey: s.Prefix, FallbackDisabled: true,
		})
		if err != nil {
			return nil, err
		}
		limiter := httprate.NewRateLimiter(int(s.Limit.Rate), s.Limit.Period,
			httprate.WithLimitCounter(counter),
			httprate.WithResponseHeaders(httprate.ResponseHeaders{}), // no other limiter here writes any
			httprate.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) { w.(*failure).err = err }),
		)
		request := &http.Request{} // of which it asks for values in the context only
		return func(_ context.Context, key string) (bool, error) {
			var failed failure
			limited := limiter.OnLimit(&failed, request, key)
			return !limited, failed.err
		}, nil
	},
	Fits: noCluster("its MGET is of keys in different slots"),
}

// failure is a response of which nothing is kept but the error that it is about.
type failure struct{ err error }

func (*failure) Header() http.Header         { return http.Header{} }
func (*failure) Write(p []byte) (int, error) { return len(p), nil }
func (*failure) WriteHeader(int)             {}
