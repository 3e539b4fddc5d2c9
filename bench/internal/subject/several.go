package subject

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/scripts"
)

// A Part is one of several limits that decide as one.
type Part struct {
	Kind  string // the name of the kind that decides in this way on its own
	Limit algorithms.Limit
	Cost  func(cost int64) int64  // the cost under this limit of a request with that cost
	Owner func(cost int64) string // the owner of a request with that cost; each owner of a key has a separate count
}

// Several are kinds that consist of several limits that decide as one. The first has a bucket and a log of one key. The
// second has the log of a tenant and a bucket for each of its users; the cost of a request says which user sent it. A
// tenant's users can't be reset.
var Several = []Kind{severalKind("allof", false, ofKey), severalKind("allof-each", true, ofTenant)}

// BurstAndWindow returns a kind that admits what both a bucket and a window admit. other is the limit of the window. If it
// is zero, the window has the limit of the bucket.
func BurstAndWindow(other algorithms.Limit) Kind {
	return severalKind("allof", false, func(limit algorithms.Limit) []Part {
		return []Part{
			{"gcra", limit, sameCost, nobodys},
			{"fixedwindow", cmp.Or(other, limit), sameCost, nobodys},
		}
	})
}

// ofKey returns limits of one key, each of which denies some requests.
func ofKey(limit algorithms.Limit) []Part {
	log := algorithms.Per(limit.Rate+(limit.BurstOrRate()+1)/2, limit.Period)
	return []Part{
		{"gcra", limit, sameCost, nobodys},
		{"slidinglog", log, sameCost, nobodys},
	}
}

// ofTenant returns the limits of a tenant and its users. The tenant's state lasts the longest.
func ofTenant(limit algorithms.Limit) []Part {
	user := algorithms.Per((limit.Rate+1)/2, limit.Period)
	limit.Burst = 0
	return []Part{
		{"slidinglog", limit, sameCost, nobodys},
		{"gcra", user, func(int64) int64 { return 1 }, func(cost int64) string { return fmt.Sprint(":user ", cost%2) }},
	}
}

func sameCost(cost int64) int64 { return cost }
func nobodys(int64) string      { return "" }

// severalKind returns the kind with that name. If each is true, the parts have separate keys and costs.
func severalKind(name string, each bool, parts func(algorithms.Limit) []Part) Kind {
	type newPart func(Kind, algorithms.Limit, []algorithms.Option) (Subject, error)
	made := func(limit algorithms.Limit, opts []algorithms.Option, part newPart) (Subject, error) {
		opts = append(opts, algorithms.WithName(name+" "+limit.String())) // keys that no other subject or limit uses
		var all []algorithms.Limiter
		for _, p := range parts(limit) {
			kind := All[slices.IndexFunc(All, func(k Kind) bool { return k.Name == p.Kind })]
			s, err := part(kind, p.Limit, opts)
			if err != nil {
				return nil, err
			}
			all = append(all, s.(Limiter).Limiter)
		}
		l, err := allof.New(all...)
		if err != nil {
			return nil, err
		}
		if each {
			return tenant{l, parts(limit)}, nil
		}
		return Limiter{l, all[0]}, nil
	}
	return Kind{
		Name: name, Costs: true, Rated: each, Parts: parts,
		New: func(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			return made(limit, opts, func(k Kind, limit algorithms.Limit, opts []algorithms.Option) (Subject, error) {
				return k.New(run, limit, opts...)
			})
		},
		NewLocal: func(limit algorithms.Limit, opts ...algorithms.Option) (Subject, error) {
			return made(limit, opts, func(k Kind, limit algorithms.Limit, opts []algorithms.Option) (Subject, error) {
				return k.NewLocal(limit, opts...)
			})
		},
	}
}

// tenant is a subject that asks each limit with its own key and cost.
type tenant struct {
	*allof.Limiter
	parts []Part
}

// Ask implements Subject.
func (t tenant) Ask(ctx context.Context, key string, op Op, cost int64) (answer Answer, err error) {
	requests := make([]allof.Request, len(t.parts))
	for i, part := range t.parts {
		requests[i] = allof.Request{Key: "{" + hex.EncodeToString([]byte(key[:min(len(key), 50)])) + "}" + part.Owner(cost), Cost: part.Cost(cost)}
	}
	var d allof.Decision
	switch op {
	case Peek:
		d, err = t.PeekEach(ctx, requests...)
	case Reset:
		if cost != 0 {
			return answer, errors.New("subject: a tenant's users can't be reset")
		}
		err = t.Reset(ctx, requests[0].Key)
	default:
		d, err = t.AllowEach(ctx, requests...)
	}
	answer.Result = d.Result
	return answer, err
}

// Replies returns the reply of each limit in a reply of scripts/allof.lua. For a kind of one limit, that is the whole reply.
func (k Kind) Replies(limit algorithms.Limit, reply []int64) [][]int64 {
	if k.Parts == nil {
		return [][]int64{reply}
	}
	var all [][]int64
	for simple := len(reply) == len(k.Parts(limit)); len(reply) > 0; {
		n := 1
		if !simple {
			n, reply = int(reply[0]), reply[1:]
		}
		all, reply = append(all, reply[:n]), reply[n:]
	}
	return all
}

// Admits reports whether a reply is one to an admitted request.
func (k Kind) Admits(limit algorithms.Limit, reply []int64) bool {
	for _, one := range k.Replies(limit, reply) {
		if one[0] < 0 {
			return false
		}
	}
	return true
}
