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
	Kind  string // that decides alike alone
	Limit algorithms.Limit
	Cost  func(cost int64) int64  // of a request that costs so much
	Owner func(cost int64) string // whose it is: a key's owners have counts of their own
}

// Several are kinds of several limits that decide as one: a bucket and a log of one key, and the log of a tenant and a bucket
// of each of its users, who are told apart by what their requests cost. A tenant's users can't be reset.
var Several = []Kind{severalKind("allof", false, ofKey), severalKind("allof-each", true, ofTenant)}

// BurstAndWindow is a bucket and a window as one: it admits what both admit. The window's limit is another one, or the bucket's
// if that is zero.
func BurstAndWindow(other algorithms.Limit) Kind {
	return severalKind("allof", false, func(limit algorithms.Limit) []Part {
		return []Part{
			{"gcra", limit, sameCost, nobodys},
			{"fixedwindow", cmp.Or(other, limit), sameCost, nobodys},
		}
	})
}

// ofKey are limits that each deny now and then.
func ofKey(limit algorithms.Limit) []Part {
	log := algorithms.Per(limit.Rate+(limit.BurstOrRate()+1)/2, limit.Period)
	return []Part{
		{"gcra", limit, sameCost, nobodys},
		{"slidinglog", log, sameCost, nobodys},
	}
}

// ofTenant are limits of which the tenant's lasts the longest.
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

func severalKind(name string, rated bool, parts func(algorithms.Limit) []Part) Kind {
	type newPart func(Kind, algorithms.Limit, []algorithms.Option) (Subject, error)
	made := func(limit algorithms.Limit, opts []algorithms.Option, part newPart) (Subject, error) {
		opts = append(opts, algorithms.WithName(name+" "+limit.String())) // the keys are no other subject's, and no other limit's
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
		if rated {
			return tenant{l, parts(limit)}, nil
		}
		return Limiter{l, all[0]}, nil
	}
	return Kind{
		Name: name, Costs: true, Rated: rated, Parts: parts,
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

// tenant is a Limiter that is asked with a key and a cost for each limit.
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

// Replies returns the reply of each limit in a reply of scripts/allof.lua. It is the whole for a kind of one limit.
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

// Admits says whether a reply is that of a request that was admitted.
func (k Kind) Admits(limit algorithms.Limit, reply []int64) bool {
	for _, one := range k.Replies(limit, reply) {
		if one[0] < 0 {
			return false
		}
	}
	return true
}
