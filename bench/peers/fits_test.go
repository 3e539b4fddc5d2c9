package main

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
)

// answerer answers single commands instead of a server.
type answerer func(redis.Cmder) error

// client returns a client that gets its answers from a.
func (a answerer) client(t *testing.T) redis.UniversalClient {
	client := redis.NewClient(&redis.Options{Addr: "weir.invalid:1"})
	client.AddHook(a)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// ProcessHook implements redis.Hook.
func (a answerer) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		err := a(cmd)
		cmd.SetErr(err)
		return err
	}
}

// DialHook implements redis.Hook.
func (answerer) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (answerer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestUnfit: a limiter doesn't fit a server that lacks what the limiter needs, or that refuses to answer.
func TestUnfit(t *testing.T) {
	refuses := &Clients{GoRedis: answerer(func(redis.Cmder) error {
		return errors.New("ERR wrong number of arguments for 'pexpire' command")
	}).client(t)}
	for name, clients := range map[string]*Clients{
		"bare-incr":               refuses,
		"increx":                  refuses,
		"rueidislimiter":          refuses,
		"weir-gcra-autopipeline":  {},
		"redis_rate-autopipeline": {},
	} {
		if err := named(t, name).Fits(t.Context(), clients); err == nil {
			t.Errorf("%s fits", name)
		}
	}
}
