package main

import (
	"context"
	"net/http"

	"github.com/go-chi/httprate"
	httprateredis "github.com/go-chi/httprate-redis"

	"github.com/go-weir/weir/bench/shared/round"
)

// httprateRedis is a sliding window counter. It reads two counters with MGET and weights them by the client's clock. If it
// admits, it counts with INCRBY and EXPIRE in a MULTI. It holds a lock for all keys meanwhile, so a process decides one
// request at a time. The two steps are not atomic between processes, which together admit too many. The weighted count is
// rounded. Its keys are "PREFIX:HASH", where HASH is 64 bits of the key and the window. It ignores the request's context.
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
			httprate.WithResponseHeaders(httprate.ResponseHeaders{}), // no headers, as no other limiter here writes any
			httprate.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, err error) { w.(*failure).err = err }),
		)
		request := &http.Request{} // the limiter only reads values from its context
		return func(_ context.Context, key string) (bool, error) {
			var failed failure
			limited := limiter.OnLimit(&failed, request, key)
			return !limited, failed.err
		}, nil
	},
	Fits: noCluster("its MGET reads keys in different slots"),
}

// failure is a response writer that keeps only the limiter's error.
type failure struct{ err error }

func (*failure) Header() http.Header         { return http.Header{} }
func (*failure) Write(p []byte) (int, error) { return len(p), nil }
func (*failure) WriteHeader(int)             {}
