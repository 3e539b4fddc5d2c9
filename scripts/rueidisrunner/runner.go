// Package rueidisrunner runs Weir's scripts through rueidis, for a service that already has a
// rueidis client. Pass that client to [New] as it is: a single server, a cluster, Sentinel or a
// standalone primary with replicas. rueidis gathers the commands of many goroutines into pipelines
// by itself, and the runner leaves that to it.
//
// # What is sent twice, and what never is
//
// rueidis resends by itself only commands that are read-only or marked with ToRetryable. The
// runner's are neither, so a call whose outcome is unknown is sent once, and its caller gets the
// error: the reply was lost or broken, the connection failed, ConnWriteTimeout passed. LOADING,
// TRYAGAIN, CLUSTERDOWN and READONLY answers and a failed dial are errors as well. There nothing has
// run, and the caller may call again.
//
// Followed are answers that prove that the script has not run: NOSCRIPT, by the runner, with EVAL;
// MOVED and ASK, by a cluster client, on the node they name; REDIRECT, by a standalone client with
// EnableRedirect. A script of your own must therefore not reply with errors that begin with one of
// these words.
//
// The one exception is rueidis' ClientOption.ConnLifetime, which no mark on a command overrides: a
// call that is waiting in a pipeline when its connection's lifetime ends is resent if the server
// takes more than a second to answer it, or breaks the connection. Leave ConnLifetime at zero, its
// default, or set DisableAutoPipelining with it.
//
// # Settings that matter to a limiter
//
//   - AlwaysPipelining: set it. Without it a lone call may use the connection directly. If it then
//     reaches its context's deadline, rueidis closes the connection and fails the calls that queued
//     behind it, with context.DeadlineExceeded for them too; and if its context is cancelled before
//     the deadline, it does not notice.
//   - ConnWriteTimeout, 10 seconds by default: how long a server may be silent before rueidis gives
//     the connection up. It is what ends a call whose context has no deadline. In a pipeline the
//     silence is measured by a PING each Dialer.KeepAlive, so a call may wait one or two of those more.
//   - Dialer.Timeout, 5 seconds by default: how long connecting may take, with its handshake. One call
//     connects for all: who comes meanwhile waits for it, beyond its own context if need be, and gets
//     its error, even that of its context.
//   - RingScaleEachConn, 10 by default: a connection has room for 2^10 calls that are not answered yet,
//     also those whose context has ended. Who finds it full waits, beyond its own context, until the
//     server answers or the connection is given up. (Not so with RUEIDIS_QUEUE_TYPE=flowbuffer in the
//     environment.)
//   - SendToReplicas: must be false for scripts; func(cmd) bool { return cmd.IsReadOnly() } is.
//   - DisableCache: true on servers without client-side caching, such as miniredis.
//
// # Failover
//
// Calls fail while a master is away, and go on by themselves once another has taken its place: with
// AlwaysPipelining, ConnWriteTimeout and Dialer.Timeout of two seconds, Dialer.KeepAlive of one and contexts of
// 300 ms, in a cluster and under Sentinel alike, within about a second of that (bench/PROOF.md). What the new
// master had not yet received from the old one is admitted once more.
//
// # What a server refuses
//
// An answer such as OOM, MISCONF, NOREPLICAS, READONLY (from a replica) or NOPERM is an error, and
// nothing has been charged. What writes nothing, a Peek or a denial, such a server may answer all the
// same. A server at its maxclients hangs up: the error is io.EOF or a reset. From an answer that begins
// with ERR rueidis drops that word.
//
// A user whose rights are limited (ACL) needs these, reading and writing for the limiters' keys, ~weir:*
// or another prefix, and what rueidis needs to find the nodes of a cluster:
//
//	+evalsha +eval +time +get +set +lindex +rpush +ltrim +lset +pexpire +unlink
//
// Redis before 7.0 asks for one more, +hello, as rueidis connects with HELLO. Grant them together. A sliding
// log is written by several commands, and if one is denied those before it stay: without pexpire a key that
// never expires, without lset a log that nobody can read.
package rueidisrunner

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/scripts"
)

// ErrNilClient is what Run returns on a Runner that was made without a client.
var ErrNilClient = errors.New("rueidisrunner: nil client")

var _ scripts.Runner = (*Runner)(nil)

// A Runner is a [scripts.Runner] over a rueidis client. It holds nothing but the client, so it is
// as safe for concurrent use as that is, and closing the client remains its owner's business.
type Runner struct {
	client rueidis.Client
}

// New returns a Runner that sends scripts through client. A nil client, or a nil pointer of any
// client type, makes a Runner whose every Run returns [ErrNilClient].
func New(client rueidis.Client) *Runner {
	if v := reflect.ValueOf(client); v.Kind() == reflect.Pointer && v.IsNil() {
		client = nil
	}
	return &Runner{client: client}
}

// Run executes s on the server that holds keys and returns the integers of its reply; a reply that
// is one integer is a slice of one. It sends EVALSHA, and EVAL if the server answers NOSCRIPT; it
// never resends a call whose outcome is unknown, as the package comment says in full. A context
// that has already ended sends nothing. In a cluster the first key chooses the node.
//
// Errors begin with "rueidisrunner: " and the script's name, and keep rueidis' error inside: reach
// it with errors.Is and errors.As, a server's answer as a *rueidis.RedisError. (rueidis.IsRedisErr
// and its kin do not look inside an error.) A nil reply, or one that is not a flat array of
// integers, is an error too; the script has run then.
func (r *Runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	if r == nil || r.client == nil {
		return nil, ErrNilClient
	}
	if err := ctx.Err(); err != nil {
		return nil, failure(s, err)
	}
	// The builder panics when keys of one command are in different slots of a cluster. Of keys given
	// as arguments it takes no notice, and the server answers CROSSSLOT, which is an error to return.
	n, keys, rest := int64(len(keys)), keys[:min(1, len(keys))], keys[min(1, len(keys)):]

	build := r.client.B()
	msg, err := r.client.Do(ctx,
		build.Evalsha().Sha1(s.SHA1()).Numkeys(n).Key(keys...).Arg(rest...).Arg(args...).Build()).ToMessage()
	if answer, ok := rueidis.IsRedisErr(err); ok && answer.IsNoScript() {
		if err := ctx.Err(); err != nil {
			return nil, failure(s, err)
		}
		msg, err = r.client.Do(ctx,
			build.Eval().Script(s.Source()).Numkeys(n).Key(keys...).Arg(rest...).Arg(args...).Build()).ToMessage()
	}
	if err != nil {
		return nil, failure(s, err)
	}
	return integers(s, msg)
}

// failure names the script in err.
func failure(s *scripts.Script, err error) error {
	if rueidis.IsRedisNil(err) {
		return fmt.Errorf("rueidisrunner: %s: unexpected nil reply: %w", s.Name(), err)
	}
	return fmt.Errorf("rueidisrunner: %s: %w", s.Name(), err)
}

// integers is the reply as Run returns it.
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

// OneServer says whether all keys are on the same server, so that requests for different keys can be
// decided in one script: see scripts.Coalesce. A cluster's are not.
func (r *Runner) OneServer() bool {
	return r != nil && r.client != nil && r.client.Mode() != rueidis.ClientModeCluster
}
