// Package goredisrunner runs Weir's scripts through go-redis, for a service that already has a go-redis client. Pass that client
// to [New] unchanged. It may be a client of a single server, a cluster, Sentinel failover or a ring, plain or behind go-redis'
// experimental AutoPipeline.
//
// # What is sent twice, and what never is
//
// By default go-redis sends a command again, up to three times, if its reply is lost. For a limiter each of these is another
// charge. So the runner marks its commands as not to be retried, and go-redis respects that mark in every topology and in its
// pipelines. No option needs to change.
//
// So a call whose outcome is unknown is sent once, and its caller gets the error. The outcome is unknown if the reply was lost
// or broken, if the read timed out, or if the connection failed while or after the command was written. Because of the mark, the
// caller also gets the error after a failed dial, and after the answers LOADING, CLUSTERDOWN, TRYAGAIN and MASTERDOWN. In these
// cases nothing has run, and the caller may call again. (Options.DialerRetries still makes several attempts to dial, as nothing
// has been sent yet.)
//
// A call is sent again only after an answer which proves that the script has not run. After NOSCRIPT the runner sends it with
// EVAL. After MOVED and ASK a cluster client sends it to the node that they name. After READONLY a cluster client without
// AutoPipeline sends it to the node that its slots name then. So a script of your own must not reply with errors that begin with
// one of these words.
//
// After a call that no node has answered, the runner makes a cluster client reload which nodes have which slots. So calls find
// a master that has replaced another.
//
// # Contexts
//
// A call ends with its context, even while go-redis connects, waits for a connection or for an answer, or runs a hook. If the
// context can end, the runner calls go-redis in a goroutine of its own. If the context ends first, Run returns an error that
// wraps the context's error and its cause. It is unknown then whether the script has run. The call stays in go-redis until a
// timeout of the client ends it. While 1024 such calls hang, others get [ErrHanging] and are not sent. If a hook panics, Run
// panics; if Run has returned by then, the panic is logged with log/slog.
//
// RunAll, which package coalesce calls, leaves contexts to go-redis. Coalesce ends its callers' calls itself.
//
// # Settings that matter to a limiter
//
//   - ContextTimeoutEnabled: set it. Without it go-redis does not apply a context's deadline to its sockets. Then a server that
//     hangs blocks a connection for ReadTimeout, although it doesn't block the caller.
//   - ReadTimeout and WriteTimeout, 5 seconds by default: set them to the time that a request may wait
//     for its limiter, such as some hundred milliseconds. They end a call whose context doesn't end.
//   - DialTimeout, 5 seconds, and DialerRetries, 5 attempts by default: a server that cannot be reached
//     costs a call 25 seconds if its context has no deadline, and the error is DialTimeout's
//     context.DeadlineExceeded. A server that refuses connections costs 0.4 seconds. If the context ends sooner, its error
//     hides the reason. Set DialerRetries to 1 to get "connection refused" at once.
//   - PoolSize, 10 for each CPU by default (5 for each node of a cluster): how many calls can be under
//     way at once. A call that finds no free connection waits until its context ends, or for
//     PoolTimeout, by default ReadTimeout and a second. It then gets redis.ErrPoolTimeout, and nothing
//     has run.
//   - ConnMaxLifetime: set it to some minutes if the client connects to a name or a service whose target may move.
//     After READONLY go-redis makes a new connection, but not after MASTERDOWN or LOADING.
//
// With AutoPipeline, only ReadTimeout ends a command in go-redis once it is queued, though the runner ends the caller's call. The
// runner also can't reach the cluster client behind AutoPipeline. Set that client's ClusterStateReloadInterval, a minute by
// default, to the few seconds for which calls may fail after a failover.
//
// # Failover
//
// Calls fail while a master is away, and succeed again within about a second after another has replaced it. That holds in a
// cluster and under Sentinel, with ContextTimeoutEnabled, DialTimeout and ReadTimeout of two seconds and contexts of 300 ms
// (bench/PROOF.md). If the new master had not yet received a charge from the old one, the request is admitted once more.
//
// # What a server refuses
//
// An answer such as OOM, MISCONF, NOREPLICAS, READONLY (from a replica) or NOPERM is an error, and
// nothing has been charged. Such a server may still answer requests that write nothing, which are Peeks
// and denials. A server at its maxclients hangs up: the error is io.EOF or a reset.
//
// A user whose rights are limited (ACL) needs these commands, reading and writing for the limiters' keys
// (~weir:* or another prefix), and the rights by which go-redis finds the nodes of a cluster:
//
//	+evalsha +eval +time +get +set +incrby +setrange +lindex +rpush +ltrim +lset +pexpire +pttl +unlink
//
// Grant them together. A sliding log is written by several commands: if lset or ltrim fails, the writes before it stay.
package goredisrunner

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
)

// ErrNilClient is wrapped by the error of New for a client that is nil.
var ErrNilClient = errors.New("goredisrunner: nil client")

var (
	_ scripts.Pipeliner = (*Runner)(nil)
	_ scripts.Bounded   = (*Runner)(nil)
)

// A Runner is a [scripts.Runner] over a go-redis client. It is safe for concurrent use. It doesn't close the client.
type Runner struct {
	client redis.UniversalClient
	places places
	grace  time.Duration // how long a call may go on after its deadline, so that the client's error tells the cause
	calls  bound
}

// New returns a Runner that sends scripts through client. Its error wraps [ErrNilClient] if client is nil, or a nil
// pointer of any client type, and algorithms.ErrInvalidOption for an option that is nil.
func New(client redis.UniversalClient, opts ...Option) (*Runner, error) {
	if v := reflect.ValueOf(client); client == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("%w: a %T, want one that is connected to a server", ErrNilClient, client)
	}
	r := &Runner{client: client}
	if heedsDeadlines(client) {
		r.grace = 100 * time.Millisecond
	}
	if err := r.apply(opts); err != nil {
		return nil, err
	}
	return r, nil
}

// heedsDeadlines reports whether client ends a call at its context's deadline, with an error that tells more than that.
func heedsDeadlines(client redis.UniversalClient) bool {
	switch client := client.(type) {
	case *redis.Client:
		return client.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return client.Options().ContextTimeoutEnabled
	case *redis.Ring:
		return client.Options().ContextTimeoutEnabled
	}
	return false
}

// Bounded implements [scripts.Bounded].
func (*Runner) Bounded() {}

// Run executes s on the server that holds keys and returns the integers of its reply. If the reply is one integer, the slice
// has one element. Run sends EVALSHA, and EVAL if the server answers NOSCRIPT. If the outcome of a call is unknown, Run never
// sends it again: see the package comment. If the context has already ended, it sends nothing. In a cluster the first key
// chooses the node.
//
// Errors begin with "goredisrunner: " and the script's name, and wrap go-redis' error: errors.Is, errors.As and
// redis.HasErrorPrefix find it. If the context has ended by the time a call fails, the error wraps the context's too. Run returns
// as soon as the context ends: see the package comment. A reply that is nil, or not a flat array of integers, is also an error,
// although the script has run.
func (r *Runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	if r == nil || r.client == nil { // New has not made this Runner
		return nil, ErrNilClient
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("goredisrunner: %s: %w: nothing was sent", s.Name(), err)
	}
	cmd := command(ctx, "evalsha", s.SHA1(), keys, args)
	return r.calls.do(ctx, s.Name(), r.grace, func() ([]int64, error) { return r.decide(ctx, s, cmd) })
}

// decide sends cmd, which names s by its SHA1, and then the source of s if the server doesn't know the SHA1.
func (r *Runner) decide(ctx context.Context, s *scripts.Script, cmd *once) ([]int64, error) {
	val, err := r.send(ctx, cmd)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("goredisrunner: %s: %w: the script has not run", s.Name(), err)
		}
		val, err = r.send(ctx, cmd.bySource(ctx, s))
	}
	if err != nil {
		r.refresh(ctx, err)
		return nil, failure(ctx, s, err)
	}
	return integers(s, val)
}

// refresh makes a cluster client reload which nodes have which slots, if a call had no answer or was answered with CLUSTERDOWN:
// another node may have taken over. By itself go-redis does so only after errors of commands that it may send again, and
// otherwise each ClusterStateReloadInterval, a minute.
func (r *Runner) refresh(ctx context.Context, err error) {
	cluster, ok := r.client.(interface{ ReloadState(ctx context.Context) })
	if !ok {
		return
	}
	var answer redis.Error
	if !errors.As(err, &answer) || redis.HasErrorPrefix(err, "CLUSTERDOWN") {
		cluster.ReloadState(ctx) // in the background, one at a time, five times a second at most
	}
}

// command returns the command that calls a script: EVALSHA with its SHA1, or EVAL with its text. The name is an any, because a
// constant becomes one without an allocation.
func command(ctx context.Context, name any, script string, keys, args []string) *once {
	line := make([]any, 0, 3+len(keys)+len(args))
	line = append(line, name, script, len(keys))
	for _, key := range keys {
		line = append(line, key)
	}
	for _, arg := range args {
		line = append(line, arg)
	}
	return newOnce(ctx, line, len(keys))
}

// send sends a command once.
func (r *Runner) send(ctx context.Context, cmd *once) (any, error) {
	err := r.client.Process(ctx, cmd)
	r.places.notice(err)
	if err != nil {
		return nil, err
	}
	return cmd.Result() // waits if Process only queues the command, as that of an AsyncAutoPipeline does
}

// once is a command that go-redis must not retry. It is a pointer to a struct with a redis.Cmd's fields, as hooks and mocks
// inspect commands by reflection.
type once struct{ *redis.Cmd }

// newOnce returns the command with the words of line. keys is how many of them are keys.
func newOnce(ctx context.Context, line []any, keys int) *once {
	cmd := &once{redis.NewCmd(ctx, line...)}
	if keys > 0 {
		cmd.SetFirstKeyPos(3)
		// If it were 0, a cluster client would look it up for every call, behind one lock and, the first
		// time, with a COMMAND that no context bounds.
		cmd.SetStepCount(1)
	}
	return cmd
}

// bySource returns the same call of s with the text of s instead of its SHA1.
func (c *once) bySource(ctx context.Context, s *scripts.Script) *once {
	line := slices.Clone(c.Args())
	line[0], line[1] = "eval", s.Source()
	keys, _ := line[2].(int)
	return newOnce(ctx, line, keys)
}

// NoRetry tells go-redis that it must not send the command again.
func (*once) NoRetry() bool { return true }

// Clone returns a copy that keeps the mark of NoRetry, which the Clone of redis.Cmd would lose.
func (c *once) Clone() redis.Cmder {
	if cmd, ok := c.Cmd.Clone().(*redis.Cmd); ok {
		return &once{cmd}
	}
	return c
}

// failure adds the script's name to err, and the context's error if the context has ended.
func failure(ctx context.Context, s *scripts.Script, err error) error {
	var answer redis.Error
	end := ended(ctx)
	switch {
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("goredisrunner: %s: unexpected nil reply: %w", s.Name(), err)
	case errors.As(err, &answer) || end == nil:
		return fmt.Errorf("goredisrunner: %s: %w", s.Name(), err)
	case errors.Is(err, end):
		return fmt.Errorf("goredisrunner: %s: %w: the script may have run", s.Name(), err)
	}
	return fmt.Errorf("goredisrunner: %s: %w: the script may have run: %w", s.Name(), end, err)
}

// ended is like ctx.Err, but also covers the time between a socket's deadline and the context's own timer.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// integers returns a reply in the form that Run returns.
func integers(s *scripts.Script, val any) ([]int64, error) {
	switch val := val.(type) {
	case int64:
		return []int64{val}, nil
	case []any:
		out := make([]int64, len(val))
		for i, elem := range val {
			n, ok := elem.(int64)
			if !ok {
				return nil, unexpected(s, fmt.Sprintf("element %d of %d is ", i+1, len(val)), elem)
			}
			out[i] = n
		}
		return out, nil
	}
	return nil, unexpected(s, "", val)
}

// unexpected is the error for a reply, or an element of one, that is not an integer.
func unexpected(s *scripts.Script, where string, val any) error {
	kind := fmt.Sprintf("a %T", val)
	switch val := val.(type) {
	case nil:
		kind = "nil"
	case error:
		return fmt.Errorf("goredisrunner: %s: unexpected reply: %san error: %w", s.Name(), where, val)
	case []any:
		kind = "an array"
	case map[any]any:
		kind = "a map"
	}
	return fmt.Errorf("goredisrunner: %s: unexpected reply: %s%s, want integers", s.Name(), where, kind)
}
