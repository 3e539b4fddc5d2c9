// Package remote is what the limiters over Redis are made of: it sends a decision's script through
// a Runner, and leaves to each algorithm what the script is told and what its reply means.
package remote

import (
	"context"
	"fmt"
	"strconv"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/scripts"
)

// An Algorithm is the two scripts of a limiter.
type Algorithm struct{ Decide, Peek *scripts.Script }

// A Rule is an algorithm under one limit.
type Rule interface {
	// Capacity is the largest cost.
	Capacity() int64

	// Args returns the script's arguments for a request of cost n at now, in microseconds since the Unix
	// epoch, or "" for the server's clock.
	Args(n int64, now string) []string

	// Result says what the script's reply to a request of cost n means.
	Result(n int64, reply []int64) algorithms.Result
}

// A Limiter is an [algorithms.Limiter] over a server.
type Limiter struct {
	caller    Caller
	algorithm Algorithm
	rule      Rule
	one       []string // the arguments of a request of cost 1, on the server's clock
}

// New returns the limiter of an algorithm under a rule.
func New(algorithm Algorithm, run scripts.Runner, rule Rule, settings algorithms.Settings) (*Limiter, error) {
	caller, err := NewCaller(run, settings)
	if err != nil {
		return nil, err
	}
	return (&Limiter{caller: caller, algorithm: algorithm}).With(rule), nil
}

// With returns a limiter of the same keys under another rule.
func (l *Limiter) With(rule Rule) *Limiter {
	return &Limiter{caller: l.caller, algorithm: l.algorithm, rule: rule, one: rule.Args(1, "")}
}

// Settings returns what the limiter was made with.
func (l *Limiter) Settings() algorithms.Settings { return l.caller.settings }

// AllowN decides on a request of cost n.
func (l *Limiter) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	return l.ask(ctx, l.algorithm.Decide, key, n)
}

// Peek tells what AllowN would, for a cost of 1, and writes nothing.
func (l *Limiter) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.ask(ctx, l.algorithm.Peek, key, 1)
}

// Reset forgets the key.
func (l *Limiter) Reset(ctx context.Context, key string) error { return l.caller.Reset(ctx, key) }

func (l *Limiter) ask(ctx context.Context, script *scripts.Script, key string, n int64) (algorithms.Result, error) {
	if err := algorithms.CheckCost(n, l.rule.Capacity()); err != nil {
		return algorithms.Result{}, err
	}
	args := l.one
	if n != 1 || l.caller.settings.Clock != nil {
		now, err := l.caller.Now()
		if err != nil {
			return algorithms.Result{}, err
		}
		args = l.rule.Args(n, now)
	}
	reply, err := l.caller.Call(ctx, script, key, args)
	if err != nil {
		return algorithms.Result{}, err
	}
	return l.rule.Result(n, reply), nil
}

// A Caller runs scripts on the key of one algorithm's limiter.
type Caller struct {
	run      scripts.Runner
	settings algorithms.Settings
}

// NewCaller returns a caller; its error is that of a runner that is nil.
func NewCaller(run scripts.Runner, settings algorithms.Settings) (Caller, error) {
	if run == nil {
		return Caller{}, fmt.Errorf("%w: want one of goredisrunner.New, rueidisrunner.New or your own", algorithms.ErrNilRunner)
	}
	return Caller{run, settings}, nil
}

// Now returns a script's last argument: the time in microseconds, or "" for the server's clock.
func (c Caller) Now() (string, error) {
	if c.settings.Clock == nil {
		return "", nil
	}
	now, err := c.settings.Now()
	return strconv.FormatInt(now, 10), err
}

// Call runs a script on the key, unless the context has ended, and checks its reply's form.
func (c Caller) Call(ctx context.Context, script *scripts.Script, key string, args []string) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("weir: nothing was asked: %w", err)
	}
	reply, err := c.run.Run(ctx, script, []string{c.settings.Key(key)}, args)
	if err != nil {
		return nil, err // the runner says who and where
	}
	return reply, script.CheckReply(reply)
}

// Reset removes the key.
func (c Caller) Reset(ctx context.Context, key string) error {
	_, err := c.Call(ctx, scripts.Reset, key, nil)
	return err
}
