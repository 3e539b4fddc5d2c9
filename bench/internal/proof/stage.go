package proof

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/verify"
)

// A stage holds the servers of a case.
type stage struct {
	place load.Place
	admin redis.UniversalClient // goes to the server directly, without the load's proxy

	server   *servers.Server // the only server, or one of several
	scenery  any             // what else the fault needs, such as a proxy or a cluster
	closers  []func() error
	troubles []trouble
}

// A trouble is the time of a fault: when it began and when the server was available again, by the machine's clock.
type trouble struct{ began, over time.Duration }

func now() time.Duration { return time.Duration(time.Now().UnixNano()) }

func (s *stage) close() error {
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// single returns a stage of one server with these options.
func single(args ...string) func(context.Context, servers.Kind) (*stage, error) {
	return func(ctx context.Context, kind servers.Kind) (*stage, error) {
		server, err := servers.Run(ctx, kind, args...)
		if err != nil {
			return nil, err
		}
		return stageOf(server), nil
	}
}

func stageOf(server *servers.Server) *stage {
	return newStage(load.Place{Addrs: []string{server.Addr}}, server, nil, server.Close)
}

// newStage returns a stage with the servers at a place. Its close method calls close.
func newStage(place load.Place, server *servers.Server, scenery any, close func() error) *stage {
	admin := place.GoRedis(adminTimeout)
	return &stage{place: place, admin: admin, server: server, scenery: scenery, closers: []func() error{close, admin.Close}}
}

// adminTimeout is the timeout of the commands that the cases themselves send. A server without a fault answers sooner.
const adminTimeout = 30 * time.Second

// stored returns the keys in which a subject of that kind and limit keeps the state of KEYs.
func stored(kind subject.Kind, limit algorithms.Limit, keys []string) (onServer []string, err error) {
	onServer = make([]string, len(keys))
	for i, key := range keys {
		if onServer[i], err = kind.Key(limit, prefix, key); err != nil {
			return nil, err
		}
	}
	return onServer, nil
}

// journals returns the journal of each key on the server.
func (s *stage) journals(ctx context.Context, keys []string) ([][]journal.Entry, error) {
	const many = 100 // keys at a time
	var all [][]journal.Entry
	for some := range slices.Chunk(keys, many) {
		lists := make([]*redis.StringSliceCmd, len(some))
		_, err := s.admin.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range some {
				lists[i] = p.LRange(ctx, journal.KeyOf(key), 0, -1)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			entries := make([]journal.Entry, len(list.Val()))
			for i, text := range list.Val() {
				if entries[i], err = journal.Parse(text); err != nil {
					return nil, err
				}
			}
			all = append(all, entries)
		}
	}
	return all, nil
}

// immortal counts the keys that have no TTL.
func (s *stage) immortal(ctx context.Context, keys []string) (n int64, err error) {
	ttls := make([]*redis.DurationCmd, len(keys))
	_, err = s.admin.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			ttls[i] = p.PTTL(ctx, key)
		}
		return nil
	})
	for _, ttl := range ttls {
		if ttl.Val() == -1 { // the key exists, and never expires
			n++
		}
	}
	return n, err
}

// answered returns entries made from the answers that callers got, in the order of the server's time.
func answered(calls []load.Call) []journal.Entry {
	var entries []journal.Entry
	for _, call := range calls {
		if call.Err == "" {
			entries = append(entries, call.Entry)
		}
	}
	slices.SortStableFunc(entries, func(a, b journal.Entry) int { return cmp.Compare(a.Now, b.Now) })
	return entries
}

// refused returns the longest time for which all requests were refused, by the server's clock between two of its steps. A call
// that failed may have been admitted.
func refused(h verify.History) time.Duration {
	denied := map[int64]bool{}
	for _, call := range h.Calls {
		denied[call.Entry.Call] = call.Err == "" && !call.Answer.Allowed()
	}
	var since, last, longest int64
	for _, entry := range h.Entries {
		if stepped := entry.Now < last || entry.Now-last > clockStep.Microseconds()/2; stepped || !denied[entry.Call] {
			since = entry.Now
		}
		last, longest = entry.Now, max(longest, entry.Now-since)
	}
	return time.Duration(longest) * time.Microsecond
}

// outages returns the longest time from the beginning of a fault until the server was available again, and the longest time
// after that in which calls of each client still failed.
func (s *stage) outages(calls []load.Call) (took time.Duration, after map[string]time.Duration) {
	after = map[string]time.Duration{}
	for i, t := range s.troubles {
		took = max(took, t.over-t.began)
		until := time.Duration(1<<63 - 1)
		if i+1 < len(s.troubles) {
			until = s.troubles[i+1].began
		}
		for _, call := range calls {
			if call.Err != "" && call.Began >= t.over && call.Began < until {
				client := clientOf(call.Entry.Call / load.CallsEach)
				after[client] = max(after[client], call.Ended-t.over)
			}
		}
	}
	return took, after
}
