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
	books     func(http.Handler) http.Handler // reading books, by the key's owner
	addresses func(http.Handler) http.Handler // sign-up, login and new keys, by the client's address
	logins    func(http.Handler) http.Handler // login, by the account
	newKeys   func(http.Handler) http.Handler // new keys, by their owner
}

func newThrottles(c config, run scripts.Runner) (throttles, error) {
	// Each limiter has a name. Limiters with equal limits would share their counts otherwise.
	newThrottle := func(name string, limit algorithms.Limit, opts ...httplimit.Option) (func(http.Handler) http.Handler, error) {
		return newThrottle(name, limit, c, run, opts...)
	}
	byUser := httplimit.Key(httplimit.ContextValue(userContext{}))
	// The limit counts by user. A user has one key at a time, so this limits the key, and a new key doesn't start with the whole
	// limit. Keys and their hashes are not sent to Redis. Methods, like ServeMux, treats HEAD as GET.
	books, err1 := newThrottle("books", c.rate, byUser, httplimit.Methods(http.MethodGet))
	addresses, err2 := newThrottle("addresses", c.accountRate, httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(c.proxies))))
	// Names of accounts that don't exist are limited too. The name is hashed, because it may be a password that was typed into
	// the wrong field.
	logins, err3 := newThrottle("logins", c.accountRate, httplimit.Key(httplimit.Hashed(httplimit.ContextValue(accountContext{}))))
	newKeys, err4 := newThrottle("keys", c.accountRate, byUser)
	return throttles{books, addresses, logins, newKeys}, errors.Join(err1, err2, err3, err4)
}

// newThrottle returns a middleware that applies a limit in all processes on the same Redis. While Redis is unavailable, each
// process applies its share of the limit without the counts in Redis, and requests don't fail. The middleware logs that to slog's
// default logger, with one line for many failures.
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

// localOptions converts options of New to options of NewLocal.
func localOptions(opts []algorithms.Option) []algorithms.LocalOption {
	local := make([]algorithms.LocalOption, len(opts))
	for i, opt := range opts {
		local[i] = opt
	}
	return local
}
