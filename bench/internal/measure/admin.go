package measure

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/shared/target"
)

// admin is the measuring process' own connection: it asks the server for its figures and removes keys.
type admin struct {
	client  redis.UniversalClient
	place   target.Place
	pattern string // that all keys of this run match, and no others
}

// rights are what measuring takes of a user.
const rights = "~*weir-bench-* +ping +info +time +scan +memory +@scripting +@read +@write"

// open connects, and checks that nothing will be left behind for want of a right.
func open(ctx context.Context, place target.Place, prefix string) (*admin, error) {
	a := &admin{client: place.Admin(), place: place, pattern: "*" + prefix + "*"}
	if err := a.check(ctx, prefix); err != nil {
		_ = a.client.Close()
		return nil, err
	}
	return a, nil
}

func (a *admin) check(ctx context.Context, prefix string) error {
	key := prefix + ":check"
	for _, command := range [][]any{
		{"PING"},
		{"SCAN", 0, "MATCH", a.pattern, "COUNT", 10},
		{"UNLINK", key},
		{"EVAL", "return redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000)", 1, key, "1"},
		{"UNLINK", key},
	} {
		if err := a.client.Do(ctx, command...).Err(); err != nil {
			return target.Explain(a.place, rights, err)
		}
	}
	return nil
}

// masters calls each for every master.
func (a *admin) masters(ctx context.Context, each func(ctx context.Context, master *redis.Client) error) error {
	switch client := a.client.(type) {
	case *redis.ClusterClient:
		return client.ForEachMaster(ctx, each)
	case *redis.Client:
		return each(ctx, client)
	}
	return fmt.Errorf("measure: no masters of a %T", a.client)
}

// usage is what the server has done since it started.
type usage struct {
	cpu      time.Duration // of the main threads
	process  time.Duration // of all threads
	commands map[string]commandUsage
}

type commandUsage struct {
	calls float64
	took  float64 // µs
}

// usage asks all masters. A server that doesn't tell has used nothing.
func (a *admin) usage(ctx context.Context) (usage, error) {
	sum := usage{commands: map[string]commandUsage{}}
	var mu sync.Mutex
	err := a.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		cpu, _ := master.Info(ctx, "cpu").Result()
		stats, err := master.Info(ctx, "commandstats").Result()
		if ctx.Err() != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		main, process := cpuOf(target.ParseInfo(cpu))
		sum.cpu += main
		sum.process += process
		for name, value := range target.ParseInfo(stats) {
			name, isCommand := strings.CutPrefix(name, "cmdstat_")
			if !isCommand || name == "info" {
				continue
			}
			one := sum.commands[name]
			one.calls += field(value, "calls")
			one.took += field(value, "usec")
			sum.commands[name] = one
		}
		return nil
	})
	return sum, err
}

// cpuOf is the processor time of the main thread, or of the process where the server tells no more, and that of the
// process.
func cpuOf(fields map[string]string) (main, process time.Duration) {
	sum := func(names ...string) (sum time.Duration) {
		for _, name := range names {
			seconds, _ := strconv.ParseFloat(fields[name], 64)
			sum += time.Duration(seconds * float64(time.Second))
		}
		return sum
	}
	process = sum("used_cpu_sys", "used_cpu_user")
	if fields["used_cpu_sys_main_thread"] == "" {
		return process, process
	}
	return sum("used_cpu_sys_main_thread", "used_cpu_user_main_thread"), process
}

// field reads one of "calls=3,usec=12,usec_per_call=4.00".
func field(value, name string) float64 {
	for part := range strings.SplitSeq(value, ",") {
		if key, number, _ := strings.Cut(part, "="); key == name {
			n, _ := strconv.ParseFloat(number, 64)
			return n
		}
	}
	return 0
}

// since is what was done between two usages.
func (u usage) since(before usage) usage {
	diff := usage{cpu: u.cpu - before.cpu, process: u.process - before.process, commands: map[string]commandUsage{}}
	for name, now := range u.commands {
		then := before.commands[name]
		if now.calls > then.calls {
			diff.commands[name] = commandUsage{now.calls - then.calls, now.took - then.took}
		}
	}
	return diff
}

// calls is how many commands that was, those that scripts ran included.
func (u usage) calls() (sum float64) {
	for _, command := range u.commands {
		sum += command.calls
	}
	return sum
}

// took is how long the commands took that clients sent, in µs. A script's time holds that of the commands it
// ran, so of these only those count that came from a client: sent tells how many of each name.
func (u usage) took(sent map[string]float64) (sum float64) {
	for name, command := range u.commands {
		share := 1.0
		if !strings.HasPrefix(name, "eval") && !strings.HasPrefix(name, "fcall") {
			share = min(1, sent[name]/command.calls)
		}
		sum += share * command.took
	}
	return sum
}

// scan calls each with some keys of this run at a time, and the master they are on.
func (a *admin) scan(ctx context.Context, pattern string, each func(ctx context.Context, master *redis.Client, keys []string) error) error {
	return a.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		for cursor := uint64(0); ; {
			keys, next, err := master.Scan(ctx, cursor, pattern, 1000).Result()
			if err == nil && len(keys) > 0 {
				err = each(ctx, master, keys)
			}
			if err != nil || next == 0 {
				return err
			}
			cursor = next
		}
	})
}

// cleanupTime is how long the removal of keys may take.
const cleanupTime = 2 * time.Minute

// clean removes all keys of this run, also where ctx has ended.
func (a *admin) clean(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer stop()
	var err error
	for found := true; found && err == nil; { // again, as the server may still have had commands of workers to run
		var some atomic.Bool
		err = a.scan(ctx, a.pattern, func(ctx context.Context, master *redis.Client, keys []string) error {
			some.Store(true)
			pipe := master.Pipeline() // one command a key: a cluster's may be of different slots
			for _, key := range keys {
				pipe.Unlink(ctx, key)
			}
			_, err := pipe.Exec(ctx)
			return err
		})
		found = some.Load()
	}
	if err != nil {
		return fmt.Errorf("keys that match %s may be left, and expire within a day: %w", a.pattern, err)
	}
	return nil
}

// size is what keys take, and how many they are.
type size struct {
	bytes int64
	keys  int
}

// memory is what keys with that tag take, by the number of their limiter: all have PREFIX:NNTAG in their names.
func (a *admin) memory(ctx context.Context, prefix, tag string) (map[int]size, error) {
	var mu sync.Mutex
	taken := map[int]size{}
	err := a.scan(ctx, "*"+prefix+":[0-9][0-9]"+tag+"*", func(ctx context.Context, master *redis.Client, names []string) error {
		for _, name := range names {
			_, rest, _ := strings.Cut(name, prefix+":")
			limiter, err := strconv.Atoi(rest[:2])
			if err != nil {
				return err
			}
			bytes, err := master.MemoryUsage(ctx, name).Result()
			if errors.Is(err, redis.Nil) { // it has expired
				continue
			}
			if err != nil {
				return err
			}
			mu.Lock()
			taken[limiter] = size{taken[limiter].bytes + bytes, taken[limiter].keys + 1}
			mu.Unlock()
		}
		return nil
	})
	return taken, err
}

// describe asks the server what it is, and of how many masters.
func (a *admin) describe(ctx context.Context, embedded bool) (name string, nodes int, err error) {
	var mu sync.Mutex
	err = a.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		// A user that may not ask for it, or a server that doesn't tell, is no reason to stop.
		info, _ := master.Info(ctx, "server").Result()
		mu.Lock()
		defer mu.Unlock()
		if name = target.Describe(info); embedded {
			name = "miniredis"
		}
		nodes++
		return ctx.Err()
	})
	return name, nodes, err
}

// idleTime is how long a server is watched for what others do.
const idleTime = 500 * time.Millisecond

// busy says what is known of others that use the server meanwhile, and whether its figures hold theirs too.
func (a *admin) busy(ctx context.Context) (note, doubt string) {
	before, err := a.usage(ctx)
	if err != nil {
		return "", ""
	}
	if len(before.commands) == 0 {
		return "the server does not tell what commands cost it (INFO commandstats)", ""
	}
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
	}
	after, err := a.usage(ctx)
	if err != nil {
		return "", ""
	}
	if rate := after.since(before).calls() / idleTime.Seconds(); rate > 20 {
		return "", fmt.Sprintf("others ran %.0f commands a second on this server before it began, and its processor time holds theirs too", rate)
	}
	return "", ""
}
