package main

import (
	"errors"
	"net/http"
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// throttles are the service's limits, as middlewares.
type throttles struct {
	books     func(http.Handler) http.Handler // reading, by the key's owner
	addresses func(http.Handler) http.Handler // what passwords and keys are for, by the client's address
	logins    func(http.Handler) http.Handler // logging in, by the account that is named
	newKeys   func(http.Handler) http.Handler // regenerating keys, by their owner
}

func newThrottles(c config, run scripts.Runner) (throttles, error) {
	// Of the limiters in Redis each has a name: those of equal limits would count together.
	newThrottle := func(name string, limit algorithms.Limit, opts ...httplimit.Option) (func(http.Handler) http.Handler, error) {
		return newThrottle(name, limit, c, run, opts...)
	}
	byUser := httplimit.Key(httplimit.ContextValue(userContext{}))
	// A user has one key at a time, so the limit is the key's; a new key does not begin anew. And no key, nor
	// what it could be found out from, gets into Redis. ServeMux gives a HEAD to what answers GET, and so does Methods.
	books, err1 := newThrottle("books", c.rate, byUser, httplimit.Methods(http.MethodGet))
	addresses, err2 := newThrottle("addresses", c.accountRate, httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(c.proxies))))
	// Whether there is such an account makes no difference. The name is hashed, as it can be anything: a password that was
	// typed into the wrong field, too.
	logins, err3 := newThrottle("logins", c.accountRate, httplimit.Key(httplimit.Hashed(httplimit.ContextValue(accountContext{}))))
	newKeys, err4 := newThrottle("keys", c.accountRate, byUser)
	return throttles{books, addresses, logins, newKeys}, errors.Join(err1, err2, err3, err4)
}

// newThrottle returns a middleware that keeps a limit over all processes on the same Redis. While Redis is
// away each process goes on by itself, with its share of the limit and without what Redis has counted: no
// request fails for it. The middleware logs that to slog's default logger, with a line for many failures.
func newThrottle(name string, limit algorithms.Limit, c config, run scripts.Runner, opts ...httplimit.Option) (func(http.Handler) http.Handler, error) {
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
		httplimit.OnFailure(httplimit.FallBack(local)))...)
}

// localOptions returns options of New as those of NewLocal.
func localOptions(opts []algorithms.Option) []algorithms.LocalOption {
	local := make([]algorithms.LocalOption, len(opts))
	for i, opt := range opts {
		local[i] = opt
	}
	return local
}
