package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/shared/round"
)

// fullLimit is the limit of full keys. It is so low that they stay full during the measurement.
var fullLimit = algorithms.Per(1, 24*time.Hour)

// worker holds the clients of this process, and the limiters that it has opened.
type worker struct {
	setup   round.Setup
	wire    *wire
	clients *Clients
	opened  map[opening]Allow
	keys    map[naming][]string
	unfit   map[string]string // why limiters can't be measured on this server
}

// opening is the key of worker.opened, and naming is the key of worker.keys.
type (
	opening struct {
		prefix string
		limit  algorithms.Limit
	}
	naming struct {
		prefix string
		count  int
	}
)

func newWorker(setup round.Setup) (*worker, error) {
	w := &worker{
		setup: setup, wire: &wire{}, opened: map[opening]Allow{}, keys: map[naming][]string{}, unfit: map[string]string{},
	}
	var err error
	if w.clients, err = connect(setup.Place, w.wire); err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(context.Background(), connectTime)
	defer stop()
	for _, peer := range peers {
		if peer.Fits == nil {
			continue
		}
		if err := peer.Fits(ctx, w.clients); err != nil {
			w.unfit[peer.Name] = err.Error()
		}
	}
	return w, nil
}

// limiters returns all limiters, including those that can't be measured on this server.
func (w *worker) limiters() (all []round.Limiter) {
	for _, peer := range peers {
		limiter := peer.Limiter
		limiter.Version = versionOf(limiter.Module)
		limiter.Unfit = w.unfit[peer.Name]
		all = append(all, limiter)
	}
	return all
}

// round carries out an order.
func (w *worker) round(order round.Order) (round.Tally, error) {
	index := slices.IndexFunc(peers, func(p Peer) bool { return p.Name == order.Limiter })
	if index < 0 {
		return round.Tally{}, fmt.Errorf("there is no limiter %q", order.Limiter)
	}
	// The number has two digits, so that the keys of all limiters have the same length.
	prefix := fmt.Sprintf("%s:%02d%s", w.setup.Prefix, index, order.Tag)
	open, err := w.open(peers[index], Setting{Limit: order.Limit, Prefix: prefix + "o"})
	if err != nil {
		return round.Tally{}, err
	}
	keys := w.name(prefix+"o", order.Keys.Count)
	var full Allow
	var fullKeys []string
	if order.Denied > 0 || order.Fill {
		if full, err = w.open(peers[index], Setting{Limit: fullLimit, Prefix: prefix + "f", Full: true}); err != nil {
			return round.Tally{}, err
		}
		fullKeys = w.name(prefix+"f", order.Keys.Count)
	}
	if order.Fill {
		return round.Tally{}, w.fill(full, fullKeys, order)
	}
	l := &load{order: order, worker: w.setup.Worker, open: open, full: full, keys: keys, fullKeys: fullKeys}
	if order.Census {
		w.wire.count(true)
	}
	tally := l.measure(w.wire)
	if order.Census {
		tally.Commands = w.wire.count(false)
	}
	return tally, nil
}

// open returns the limiter with a setting, which it opens on the first call.
func (w *worker) open(peer Peer, s Setting) (Allow, error) {
	key := opening{s.Prefix, s.Limit}
	if allow, ok := w.opened[key]; ok {
		return allow, nil
	}
	allow, err := peer.Open(w.clients, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", peer.Name, err)
	}
	w.opened[key] = allow
	return allow, nil
}

// name returns the names of count keys.
func (w *worker) name(prefix string, count int) []string {
	key := naming{prefix, count}
	if w.keys[key] == nil {
		var all strings.Builder // one allocation for all names, because the garbage collector visits each before a round
		for i := range count {
			fmt.Fprintf(&all, "%s%06d", prefix, i)
		}
		keys, size := make([]string, count), all.Len()/count
		for i := range keys {
			keys[i] = all.String()[i*size : (i+1)*size]
		}
		w.keys[key] = keys
	}
	return w.keys[key]
}

// fillers is the number of goroutines that fill keys.
const fillers = 64

// fill fills this worker's part of the full keys with one request each, as their limit is one request.
func (w *worker) fill(allow Allow, keys []string, order round.Order) error {
	var failed sync.Map
	var all sync.WaitGroup
	for g := range fillers {
		all.Go(func() {
			for i := w.setup.Worker + g*order.Workers; i < len(keys); i += fillers * order.Workers {
				// The first call of a limiter without atomic decisions may fail because of a race.
				_, err := allow(context.Background(), keys[i])
				if err != nil {
					_, err = allow(context.Background(), keys[i])
				}
				if err != nil {
					failed.Store("", fmt.Errorf("%s: %w", order.Limiter, err))
					return
				}
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load(""); ok {
		return err.(error)
	}
	return nil
}
