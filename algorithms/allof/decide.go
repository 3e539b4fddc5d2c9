package allof

import (
	"context"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// inProcess decides with the stores of Locals.
func (l *Limiter) inProcess(ctx context.Context, requests asked, commit bool) ([]rule.Standing, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	return local.Together(l.states(requests), l.parts[0].Settings.Now, commit)
}

// forget forgets the key in the stores of Locals.
func (l *Limiter) forget(ctx context.Context, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	local.ForgetTogether(l.states(same{Key: key}))
	return nil
}

// states returns the requests as the stores of Locals take them: with each limiter's store and rule.
func (l *Limiter) states(requests asked) []local.Request {
	all := make([]local.Request, len(l.parts))
	for i, p := range l.parts {
		request := requests.at(i)
		all[i] = local.Request{Store: p.Store, Rule: p.Rule, Key: request.Key, N: request.Cost}
	}
	return all
}

// ended returns an error if the context has ended.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("weir: nothing was charged: %w", err)
	}
	return nil
}

// onServer decides with one call of a script.
func (l *Limiter) onServer(ctx context.Context, requests asked, commit bool) ([]rule.Standing, error) {
	script := scripts.AllOf
	if !commit {
		script = scripts.AllOfPeek
	}
	keys, err := l.keys(ctx, requests)
	if err != nil {
		return nil, err
	}
	caller := l.parts[0].Caller
	args := l.one
	if one, ok := requests.(same); !ok || one.Cost != 1 || caller.Settings().Simulated() {
		now, err := caller.Now()
		if err != nil {
			return nil, err
		}
		args = l.args(now, func(i int) int64 { return requests.at(i).Cost })
	}
	reply, err := caller.CallAll(ctx, script, keys, args)
	if err != nil {
		return nil, apart(err)
	}
	standings, sensible := l.read(requests, reply)
	if !sensible {
		return nil, fmt.Errorf("%w: script %s replied %v, which is impossible for these %d limiters", scripts.ErrReply, script.Name(), reply, len(l.parts))
	}
	return standings, nil
}

// args returns the arguments of scripts/allof.lua for these costs at now, which is empty for the server's clock.
func (l *Limiter) args(now string, cost func(i int) int64) []string {
	kinds := make([]byte, 0, len(l.parts)+1)
	args := make([]string, 1, 2+3*len(l.parts))
	for i, p := range l.parts {
		own := p.Rule.Args(cost(i), "")
		kind := p.Script.Name()[0]
		if len(own) > 3 { // it has arguments after now_us; an upper-case letter marks that
			kind -= 'a' - 'A'
		}
		kinds, args = append(kinds, kind), append(args, own...)
	}
	if now != "" {
		kinds, args = append(kinds, 't'), append(args, now)
	}
	args[0] = string(kinds)
	return args
}

// read reads the reply of scripts/allof.lua. It returns false for a reply that is impossible for a correct script.
func (l *Limiter) read(requests asked, reply []int64) ([]rule.Standing, bool) {
	standings := make([]rule.Standing, len(l.parts))
	simple := len(reply) == len(l.parts)
	for i, p := range l.parts {
		n := 1
		if !simple {
			if len(reply) == 0 {
				return nil, false
			}
			if reply[0] < 1 || reply[0] > int64(len(reply)-1) {
				return nil, false
			}
			n, reply = int(reply[0]), reply[1:]
		}
		own := reply[:n]
		reply = reply[n:]
		if p.Script.CheckReply(own) != nil {
			return nil, false
		}
		var sensible bool
		if standings[i], sensible = p.Rule.Standing(requests.at(i).Cost, own); !sensible {
			return nil, false
		}
	}
	return standings, len(reply) == 0
}

// decision combines the answers of the limiters.
func (l *Limiter) decision(standings []rule.Standing) Decision {
	d := Decision{Each: make([]algorithms.Result, len(standings))}
	for i, s := range standings {
		one := algorithms.Result{
			Allowed:    s.Allowed,
			Limit:      l.parts[i].Rule.Capacity(),
			Remaining:  s.Remaining,
			RetryAfter: time.Duration(s.RetryAfter) * time.Microsecond,
			ResetAfter: time.Duration(s.ResetAfter) * time.Microsecond,
		}
		d.Each[i] = one
		if i == 0 {
			d.Result = one
			continue
		}
		d.Result = algorithms.Result{
			Allowed:    d.Result.Allowed && one.Allowed,
			Limit:      min(d.Result.Limit, one.Limit),
			Remaining:  min(d.Result.Remaining, one.Remaining),
			RetryAfter: max(d.Result.RetryAfter, one.RetryAfter),
			ResetAfter: max(d.Result.ResetAfter, one.ResetAfter),
		}
	}
	return d
}
