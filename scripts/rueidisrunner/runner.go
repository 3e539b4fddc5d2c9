// Package rueidisrunner runs Weir's scripts through rueidis, for a service that already has a rueidis client. Pass that client
// to [New] unchanged. It may be a client of a single server, a cluster, Sentinel or a standalone primary with replicas. rueidis
// itself puts the commands of many goroutines into pipelines.
//
// # What is sent twice, and what never is
//
// rueidis retries only commands that are read-only or marked with ToRetryable. The runner's are neither. So a call whose outcome
// is unknown is sent once, and its caller gets the error. The outcome is unknown if the reply was lost or broken, if the
// connection failed, or if ConnWriteTimeout passed. The caller also gets the error after a failed dial, and after the answers
// LOADING, TRYAGAIN, CLUSTERDOWN and READONLY. In these cases nothing has run, and the caller may call again.
//
// A call is sent again only after an answer which proves that the script has not run. After NOSCRIPT the runner sends it with
// EVAL. After MOVED and ASK a cluster client sends it to the node that they name. After REDIRECT a standalone client with
// EnableRedirect sends it. So a script of your own must not reply with errors that begin with one of these words.
//
// There is one exception, rueidis' ClientOption.ConnLifetime, which no mark on a command overrides. If a call waits in a pipeline
// when its connection's lifetime ends, it is sent again if the server takes more than a second to answer it, or breaks the
// connection. Leave ConnLifetime at zero, its default, or set DisableAutoPipelining with it.
//
// # Contexts
//
// A call ends with its context, whatever rueidis is doing then. (By itself rueidis makes a call wait beyond its context in three
// cases: while another call connects, while a connection has too many calls under way, and if a call uses a connection alone.)
// If the context can end, the runner calls rueidis in a goroutine of its own. If the context ends first, Run returns an error
// that wraps the context's error and its cause. It is unknown then whether the script has run. The call stays in rueidis until a
// timeout of the client ends it. While 1024 such calls hang, others get [ErrHanging] and are not sent. If a hook panics, Run
// panics; if Run has returned by then, the panic is logged with log/slog.
//
// # Settings that matter to a limiter
//
//   - AlwaysPipelining: set it. Without it a single call may use the connection directly. If the call
//     then reaches its context's deadline, rueidis closes the connection, and the calls that queued
//     behind it fail with context.DeadlineExceeded too.
//   - ConnWriteTimeout, 10 seconds by default: how long a server may be silent before rueidis gives
//     the connection up. It ends a call whose context has no deadline. In a pipeline the silence is
//     measured by a PING each Dialer.KeepAlive, so a call may wait one or two of those longer.
//   - Dialer.Timeout, 5 seconds by default: how long connecting may take, with its handshake. One call connects for all.
//     Calls that arrive meanwhile get the error of that call, even if it is the error of that call's context.
//   - SendToReplicas: must be false for scripts; func(cmd) bool { return cmd.IsReadOnly() } is.
//   - DisableCache: true on servers without client-side caching, such as miniredis. Weir has no use for the cache.
//
// # A service that starts before its server
//
// rueidis.NewClient connects, and fails if no server is there. With ForceSingleClient it returns a client together with that
// error. The client connects on later calls: the example "server away" does so. For a cluster or Sentinel, call NewClient
// again until it succeeds.
//
// # Failover
//
// Calls fail while a master is away, and succeed again within about a second after another has replaced it. That holds in a
// cluster and under Sentinel, with AlwaysPipelining, ConnWriteTimeout and Dialer.Timeout of two seconds, Dialer.KeepAlive of one
// and contexts of 300 ms (bench/PROOF.md). If the new master had not yet received a charge from the old one, the request is
// admitted once more.
//
// # What a server refuses
//
// An answer such as OOM, MISCONF, NOREPLICAS, READONLY (from a replica) or NOPERM is an error, and
// nothing has been charged. Such a server may still answer requests that write nothing, which are Peeks
// and denials. A server at its maxclients hangs up: the error is io.EOF or a reset. If an answer begins
// with ERR, rueidis drops that word.
//
// READONLY, MASTERDOWN and LOADING may mean that the name or the service that the client connects to leads to another server
// by now. rueidis would keep its connection forever. So the runner sends QUIT. The server then closes the connection, and
// rueidis makes a new one. For each connection one call fails, or a few. If the server continues to answer like this, the
// runner does so 64 times and then once a second. Calls that were sent after the QUIT are not run, and get io.EOF.
//
// A user whose rights are limited (ACL) needs these commands, reading and writing for the limiters' keys
// (~weir:* or another prefix), and the rights by which rueidis finds the nodes of a cluster:
//
//	+evalsha +eval +time +get +set +incrby +setrange +lindex +rpush +ltrim +lset +pexpire +pttl +unlink
//
// Unless DisableCache is set, rueidis also needs +client|tracking, with which it connects: NewClient fails without it. Redis
// before 7.0 needs +hello, with which rueidis begins. Grant all of them together. A sliding log is written by several commands:
// if lset or ltrim fails, the writes before it stay.
package rueidisrunner

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/scripts"
)

// ErrNilClient is wrapped by the error of New for a client that is nil.
var ErrNilClient = errors.New("rueidisrunner: nil client")

var _ scripts.Bounded = (*Runner)(nil)

// A Runner is a [scripts.Runner] over a rueidis client. It is safe for concurrent use. It doesn't close the client.
type Runner struct {
	client   rueidis.Client
	places   places
	calls    bound
	renewals renewals
}

// New returns a Runner that sends scripts through client. Its error wraps [ErrNilClient] if client is nil, or a nil
// pointer of any client type, and algorithms.ErrInvalidOption for an option that is nil.
func New(client rueidis.Client, opts ...Option) (*Runner, error) {
	if v := reflect.ValueOf(client); client == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("%w: a %T, want one that is connected to a server", ErrNilClient, client)
	}
	r := &Runner{client: client}
	if err := r.apply(opts); err != nil {
		return nil, err
	}
	return r, nil
}

// Bounded implements [scripts.Bounded].
func (*Runner) Bounded() {}

// Run executes s on the server that holds keys and returns the integers of its reply. If the reply is one integer, the slice
// has one element. Run sends EVALSHA, and EVAL if the server answers NOSCRIPT. If the outcome of a call is unknown, Run never
// sends it again: see the package comment. If the context has already ended, it sends nothing. In a cluster the first key
// chooses the node.
//
// Errors begin with "rueidisrunner: " and the script's name, and wrap rueidis' error: errors.Is and errors.As find it, and a
// server's answer is a *rueidis.RedisError. (rueidis.IsRedisErr and similar functions don't look inside an error.) If the context
// ends first, the error wraps the context's: see the package comment. A reply that is nil, or not a flat array of integers, is
// also an error, although the script has run.
func (r *Runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	if r == nil || r.client == nil { // New has not made this Runner
		return nil, ErrNilClient
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("rueidisrunner: %s: %w: nothing was sent", s.Name(), err)
	}
	if ctx.Done() != nil { // the caller may return and use its slices again while the client still sends them
		words := slices.Concat(keys, args)
		keys, args = words[:len(keys):len(keys)], words[len(keys):]
	}
	return r.calls.do(ctx, s.Name(), 0, func() ([]int64, error) { return r.decide(ctx, s, keys, args) })
}

// decide calls s by its SHA1, and by its source if the server doesn't know it.
func (r *Runner) decide(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	// The builder panics if keys of one command are in different slots of a cluster. So the other keys are passed as
	// arguments, and the server answers CROSSSLOT, which is an error to return.
	n, first, rest := int64(len(keys)), keys[:min(1, len(keys))], keys[min(1, len(keys)):]

	build := r.client.B()
	msg, err := r.send(ctx, build.Evalsha().Sha1(s.SHA1()).Numkeys(n).Key(first...).Arg(rest...).Arg(args...).Build())
	if answer, ok := rueidis.IsRedisErr(err); ok && answer.IsNoScript() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("rueidisrunner: %s: %w: the script has not run", s.Name(), err)
		}
		msg, err = r.send(ctx, build.Eval().Script(s.Source()).Numkeys(n).Key(first...).Arg(rest...).Arg(args...).Build())
	}
	if err != nil {
		r.places.notice(err)
		if misplaced(err) {
			r.renewals.renew(ctx, r.client, keys)
		}
		return nil, failure(ctx, s, err)
	}
	return integers(s, msg)
}

// send sends one command. It waits while a connection is being renewed.
func (r *Runner) send(ctx context.Context, command rueidis.Completed) (rueidis.RedisMessage, error) {
	r.renewals.enter()
	defer r.renewals.leave()
	return r.client.Do(ctx, command).ToMessage()
}

// failure adds the script's name to err.
func failure(ctx context.Context, s *scripts.Script, err error) error {
	switch end := ctx.Err(); {
	case rueidis.IsRedisNil(err):
		return fmt.Errorf("rueidisrunner: %s: unexpected nil reply: %w", s.Name(), err)
	case end != nil && errors.Is(err, end):
		return fmt.Errorf("rueidisrunner: %s: %w: the script may have run", s.Name(), err)
	}
	return fmt.Errorf("rueidisrunner: %s: %w", s.Name(), err)
}

// integers returns a reply in the form that Run returns.
func integers(s *scripts.Script, msg rueidis.RedisMessage) ([]int64, error) {
	if msg.IsInt64() {
		n, err := msg.ToInt64()
		return []int64{n}, err
	}
	elems, err := msg.ToArray()
	if err != nil {
		return nil, unexpected(s, "", msg)
	}
	out := make([]int64, len(elems))
	for i, elem := range elems {
		if out[i], err = elem.ToInt64(); err != nil {
			return nil, unexpected(s, fmt.Sprintf("element %d of %d is ", i+1, len(elems)), elem)
		}
	}
	return out, nil
}

// unexpected is the error for a reply, or an element of one, that is not an integer.
func unexpected(s *scripts.Script, where string, msg rueidis.RedisMessage) error {
	kind := "neither integer nor array"
	switch {
	case msg.IsNil():
		kind = "nil"
	case msg.Error() != nil:
		return fmt.Errorf("rueidisrunner: %s: unexpected reply: %san error: %w", s.Name(), where, msg.Error())
	case msg.IsString():
		kind = "a string"
	case msg.IsFloat64():
		kind = "a double"
	case msg.IsBool():
		kind = "a boolean"
	case msg.IsArray():
		kind = "an array"
	case msg.IsMap():
		kind = "a map"
	}
	return fmt.Errorf("rueidisrunner: %s: unexpected reply: %s%s, want integers", s.Name(), where, kind)
}
