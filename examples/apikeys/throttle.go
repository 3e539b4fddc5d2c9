package main

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// throttles are the service's limits, as middlewares.
type throttles struct {
	books    func(http.Handler) http.Handler // reading, by the key's owner
	accounts func(http.Handler) http.Handler // signing up and logging in, by the client's address
}

func newThrottles(c config, run scripts.Runner, log *slog.Logger) (t throttles, err error) {
	// A user has one key at a time, so the limit is the key's; a new key does not begin anew. And no key, nor
	// what it could be found out from, gets into Redis. ServeMux gives a HEAD to what answers GET.
	t.books, err = newThrottle("books", c.rate, c, run, log,
		httplimit.Key(httplimit.ContextValue(userContext{})), httplimit.Methods(http.MethodGet, http.MethodHead))
	if err != nil {
		return throttles{}, err
	}
	t.accounts, err = newThrottle("accounts", c.accountRate, c, run, log,
		httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(c.proxies))))
	return t, err
}

// newThrottle returns a middleware that keeps a limit over all processes on the same Redis. While Redis is
// away each process goes on by itself, with its share of the limit and without what Redis has counted: no
// request fails for it.
func newThrottle(name string, limit algorithms.Limit, c config, run scripts.Runner, log *slog.Logger, opts ...httplimit.Option) (func(http.Handler) http.Handler, error) {
	inRedis := append(slices.Clone(c.limiters), algorithms.WithPrefix("apikeys"), algorithms.WithName(name))
	shared, err := slidinglog.New(run, limit, inRedis...)
	if err != nil {
		return nil, err
	}
	share, err := limit.Share(c.processes)
	if err != nil {
		return nil, err
	}
	local, err := slidinglog.NewLocal(share, localOptions(c.limiters)...)
	if err != nil {
		return nil, err
	}
	return httplimit.New(shared, append(opts,
		httplimit.Name(name),
		httplimit.Timeout(c.timeout),
		httplimit.OnFailure(httplimit.FallBack(local)),
		httplimit.OnError(func(_ *http.Request, f httplimit.Failure) {
			log.Warn("no answer from the limiter", "limiter", f.Limiter, "policy", f.Policy, "err", f.Err)
		}))...)
}

// localOptions returns options of New as those of NewLocal.
func localOptions(opts []algorithms.Option) []algorithms.LocalOption {
	local := make([]algorithms.LocalOption, len(opts))
	for i, opt := range opts {
		local[i] = opt
	}
	return local
}
