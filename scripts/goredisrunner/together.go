package goredisrunner

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
)

// OneServer reports whether all keys are on the same server, so that one script can decide on requests for
// different keys: see package coalesce. The keys of a cluster and of a ring are not.
func (r *Runner) OneServer() bool {
	if r == nil {
		return false
	}
	_, single := r.client.(*redis.Client) // of a single server, or of what sentinels watch over
	return single                         // of others who knows
}

// Node implements [scripts.Pipeliner]. In a cluster it returns the address of the master that holds the key, as far as the
// client knows, and else "".
func (r *Runner) Node(ctx context.Context, key string) string {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return ""
	}
	master, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return ""
	}
	return master.Options().Addr
}

// RunAll implements [scripts.Pipeliner]. The promises of Run hold for each call.
func (r *Runner) RunAll(ctx context.Context, calls []scripts.Call) {
	if r == nil || r.client == nil {
		for i := range calls {
			calls[i].Err = ErrNilClient
		}
		return
	}
	all := make([]*scripts.Call, len(calls))
	for i := range calls {
		all[i] = &calls[i]
	}
	if unknown := r.pipeline(ctx, "evalsha", (*scripts.Script).SHA1, all); len(unknown) > 0 {
		r.pipeline(ctx, "eval", (*scripts.Script).Source, unknown)
	}
}

// pipeline makes calls in one pipeline, with what a script is named by, and returns those that the server
// does not know by that.
func (r *Runner) pipeline(
	ctx context.Context, name any, script func(*scripts.Script) string, calls []*scripts.Call,
) (unknown []*scripts.Call) {
	pipe := r.client.Pipeline()
	cmds := make([]once, len(calls))
	for i, c := range calls {
		cmds[i] = command(ctx, name, script(c.Script), c.Keys, c.Args)
		_ = pipe.Process(ctx, cmds[i]) // only queues it
	}
	if err := ctx.Err(); err != nil {
		for _, c := range calls {
			c.Err = failure(ctx, c.Script, err)
		}
		return nil
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for i, c := range calls {
		val, err := cmds[i].Result()
		switch {
		case err == nil:
			c.Reply, c.Err = integers(c.Script, val)
		case name == "evalsha" && redis.HasErrorPrefix(err, "NOSCRIPT"):
			unknown = append(unknown, c)
		default:
			r.refresh(ctx, err)
			c.Err = failure(ctx, c.Script, err)
		}
	}
	return unknown
}
