package rueidisrunner

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
)

var _ scripts.Placer = (*Runner)(nil)

// An Option changes how [New] makes a Runner. [Sharded] returns one.
type Option interface{ apply(*Runner) }

type optionFunc func(*Runner)

func (f optionFunc) apply(r *Runner) { f(r) }

// Sharded means that the client is connected to a proxy that spreads keys over servers, as twemproxy and Envoy do. Then
// package coalesce puts only requests for equal keys into one script.
func Sharded() Option {
	return optionFunc(func(r *Runner) { r.places.sharded = true })
}

// apply applies options. Its error wraps [algorithms.ErrInvalidOption].
func (r *Runner) apply(opts []Option) error {
	for _, opt := range opts {
		if v := reflect.ValueOf(opt); opt == nil || v.Kind() == reflect.Func && v.IsNil() {
			return fmt.Errorf("%w: an option is nil, want one that a function of rueidisrunner has returned", algorithms.ErrInvalidOption)
		}
		opt.apply(r)
	}
	return nil
}

// places has what a Runner has learned about where keys live.
type places struct {
	sharded   bool        // a proxy decides where keys live
	inCluster atomic.Bool // the server of a client that isn't for a cluster is a node of one
}

// notice learns from the error of a call.
func (p *places) notice(err error) {
	switch scripts.ErrorCode(err) {
	case "CROSSSLOT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN":
		p.inCluster.Store(true)
	}
}

// Place implements [scripts.Placer]. In a cluster, keys of one hash tag are together. For any other client, all keys are on one
// server until the server shows that it is in cluster mode.
func (r *Runner) Place(_ context.Context, key string) (scripts.Place, bool) {
	switch {
	case r == nil || r.client == nil || r.places.sharded:
		return scripts.Place{}, false
	case r.client.Mode() == rueidis.ClientModeCluster || r.places.inCluster.Load():
		return scripts.Place{Group: scripts.HashTag(key)}, true
	}
	return scripts.Place{}, true
}
