package goredisrunner

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
)

// RunAll implements [scripts.Pipeliner]. What the documentation of Run says holds for each call, except that contexts are
// left to go-redis: see the package comment.
func (r *Runner) RunAll(ctx context.Context, calls []scripts.Call) {
	if r == nil || r.client == nil {
		for i := range calls {
			calls[i].Err = ErrNilClient
		}
		return
	}
	_, ring := r.client.(*redis.Ring)
	all := make([]*scripts.Call, 0, len(calls))
	for i := range calls {
		c := &calls[i]
		if ring && len(c.Keys) > 0 && c.Keys[0] == "" { // in a pipeline, a ring may send this to any shard
			c.Reply, c.Err = r.Run(ctx, c.Script, c.Keys, c.Args)
			continue
		}
		all = append(all, c)
	}
	if unknown := r.pipeline(ctx, "evalsha", (*scripts.Script).SHA1, all); len(unknown) > 0 {
		r.pipeline(ctx, "eval", (*scripts.Script).Source, unknown)
	}
}

// pipeline makes calls in one pipeline, with the SHA1s or the texts of their scripts, and returns the calls whose SHA1 the server
// doesn't know.
func (r *Runner) pipeline(
	ctx context.Context, name any, script func(*scripts.Script) string, calls []*scripts.Call,
) (unknown []*scripts.Call) {
	pipe := r.client.Pipeline()
	cmds := make([]*once, len(calls))
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
		r.places.notice(err)
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
