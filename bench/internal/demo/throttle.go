package demo

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
)

// throttle is a limiter over a cache, like the throttles of Django REST framework. The times of the requests that it has
// admitted are one value in the cache, which it reads, changes, and writes back. It shows what not to do: callers that read
// before another one has written decide on the same value, and only the value that was written last remains. It also relies
// on the clock of each process.
type throttle struct {
	client redis.UniversalClient
	limit  algorithms.Limit
	prefix string
}

// Allow implements algorithms.Limiter.
func (t throttle) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return t.AllowN(ctx, key, 1)
}

// AllowN implements algorithms.Limiter.
func (t throttle) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	now := time.Now().UnixMicro()
	log, err := t.read(ctx, key, now)
	if err != nil {
		return algorithms.Result{}, err
	}
	if int64(len(log))+n > t.limit.Rate {
		return t.result(log, now, n), nil
	}
	log = append(log, slices.Repeat([]int64{now}, int(n))...)
	text, err := json.Marshal(log)
	if err != nil {
		return algorithms.Result{}, err
	}
	if err := t.client.Set(ctx, t.name(key), text, t.limit.Period).Err(); err != nil {
		return algorithms.Result{}, err
	}
	return t.result(log, now, 0), nil
}

// Peek implements algorithms.Limiter.
func (t throttle) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return t.PeekN(ctx, key, 1)
}

// PeekN implements algorithms.Limiter.
func (t throttle) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	now := time.Now().UnixMicro()
	log, err := t.read(ctx, key, now)
	if err != nil {
		return algorithms.Result{}, err
	}
	return t.result(log, now, n), nil
}

// Reset implements algorithms.Limiter.
func (t throttle) Reset(ctx context.Context, key string) error {
	return t.client.Del(ctx, t.name(key)).Err()
}

func (t throttle) name(key string) string { return t.prefix + ":{" + key + "}:throttle" }

// read returns when requests were admitted within the period that ends now, in µs, in ascending order.
func (t throttle) read(ctx context.Context, key string, now int64) (log []int64, err error) {
	text, err := t.client.Get(ctx, t.name(key)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := json.Unmarshal(text, &log); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(log, func(at int64) bool { return now-at >= t.limit.Period.Microseconds() }), nil
}

// result returns the answer to a request for n events in addition to those in log. The request is allowed if they fit.
func (t throttle) result(log []int64, now, n int64) algorithms.Result {
	left := func(i int64) time.Duration { return t.limit.Period - time.Duration(now-log[i])*time.Microsecond }
	have := int64(len(log))
	result := algorithms.Result{Limit: t.limit.Rate, Remaining: max(t.limit.Rate-have, 0), Allowed: have+n <= t.limit.Rate}
	if have > 0 {
		result.ResetAfter = left(have - 1)
	}
	if !result.Allowed {
		result.RetryAfter = left(min(have+n-t.limit.Rate, have) - 1)
	}
	return result
}
