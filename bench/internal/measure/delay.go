package measure

import (
	"context"
	"errors"
	"time"

	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/bench/shared/target"
)

// mostDelay is the longest delay of replies.
const mostDelay = 10 * time.Second

// delayed starts a proxy of the server that delays each reply, and returns its place and a function that ends it. Without a
// delay it starts no proxy and returns the place of the server.
func delayed(ctx context.Context, place target.Place, delay time.Duration) (_ target.Place, end func() error, err error) {
	if delay == 0 {
		return place, func() error { return nil }, nil
	}
	if place.Network != "tcp" || len(place.Addrs) != 1 || place.Cluster || place.MasterName != "" || place.TLS {
		return place, nil, errors.New("-delay needs one server that is reached by TCP without TLS, and no cluster or sentinels")
	}
	p, err := proxy.Start(ctx, place.Addrs[0])
	if err != nil {
		return place, nil, err
	}
	if err := p.Delay(delay, 0); err != nil {
		return place, nil, errors.Join(err, p.Close())
	}
	place.Addrs = []string{p.Addr()}
	return place, p.Close, nil
}
