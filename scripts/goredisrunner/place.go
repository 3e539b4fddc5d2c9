package goredisrunner

import (
	"context"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

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
			return fmt.Errorf("%w: an option is nil, want one that a function of goredisrunner has returned", algorithms.ErrInvalidOption)
		}
		opt.apply(r)
	}
	return nil
}

// places has what a Runner has learned about where keys live.
type places struct {
	sharded   bool        // a proxy decides where keys live
	inCluster atomic.Bool // the server of a plain client is a node of a cluster
	loaded    atomic.Bool // a cluster client knows the nodes and need not ask for them
}

// notice learns from the error of a call, or from its success.
func (p *places) notice(err error) {
	if err == nil {
		if !p.loaded.Load() {
			p.loaded.Store(true)
		}
		return
	}
	switch scripts.ErrorCode(err) {
	case "CROSSSLOT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN":
		p.inCluster.Store(true)
	}
}

// Place implements [scripts.Placer]. For a plain client, and for one of Sentinel failover, all keys are on one server until the
// server shows that it is in cluster mode. From then on, and in a cluster or a ring, keys of one hash tag are together. For other
// clients Place returns false.
func (r *Runner) Place(ctx context.Context, key string) (scripts.Place, bool) {
	if r == nil || r.places.sharded {
		return scripts.Place{}, false
	}
	switch client := r.client.(type) {
	case *redis.Client:
		if !r.places.inCluster.Load() {
			return scripts.Place{}, true
		}
		return scripts.Place{Group: scripts.HashTag(key)}, true
	case *redis.ClusterClient:
		place := scripts.Place{Group: scripts.HashTag(key)}
		if r.places.loaded.Load() {
			if master, err := client.MasterForKey(ctx, key); err == nil {
				place.Node = master.Options().Addr
			}
		}
		return place, true
	case *redis.Ring:
		place := scripts.Place{Group: scripts.HashTag(key)} // the same on any shard
		if shard, err := client.GetShardClientForKey(key); err == nil {
			place.Node = shard.Options().Addr
		}
		return place, true
	}
	return scripts.Place{}, false
}
