package measure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/shared/target"
)

// admin is the connection of the measuring process. It asks the server for its statistics and removes keys.
type admin struct {
	client  redis.UniversalClient
	place   target.Place
	pattern string // matches all keys of this run and no others
}

// rights are the ACL rules that a user needs to measure.
const rights = "~*weir-bench-* +ping +info +time +scan +memory +@scripting +@read +@write"

// open connects, and checks that the user has the rights to remove all keys at the end.
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

// masters calls the function each for every master.
func (a *admin) masters(ctx context.Context, each func(ctx context.Context, master *redis.Client) error) error {
	switch client := a.client.(type) {
	case *redis.ClusterClient:
		return client.ForEachMaster(ctx, each)
	case *redis.Client:
		return each(ctx, client)
	}
	return fmt.Errorf("measure: no masters of a %T", a.client)
}

// usage is the processor time and the commands of a server since it started.
type usage struct {
	cpu      time.Duration // of the main threads
	process  time.Duration // of all threads
	commands map[string]commandUsage
}

type commandUsage struct {
	calls float64
	took  float64 // µs
}

// usage returns the sum over all masters. A server that doesn't report its usage counts as zero.
func (a *admin) usage(ctx context.Context) (usage, error) { return a.read(ctx, "cpu", "commandstats") }

// usageBefore is usage before a measurement. It reads the processor time last, so that the measurement doesn't include the cost
// of reading the other statistics. At the end of the measurement, usage reads the processor time first.
func (a *admin) usageBefore(ctx context.Context) (usage, error) {
	return a.read(ctx, "commandstats", "cpu")
}

// read reads sections of INFO.
func (a *admin) read(ctx context.Context, sections ...string) (usage, error) {
	sum := usage{commands: map[string]commandUsage{}}
	var mu sync.Mutex
	err := a.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		info := map[string]string{}
		for _, section := range sections {
			text, _ := master.Info(ctx, section).Result()
			maps.Copy(info, target.ParseInfo(text))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		main, process := cpuOf(info)
		sum.cpu += main
		sum.process += process
		for name, value := range info {
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

// cpuOf returns the processor time of the main thread and of the whole process. If the server doesn't report that of the
// main thread, both are the time of the process.
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

// field returns the number of a name in a value such as "calls=3,usec=12,usec_per_call=4.00".
func field(value, name string) float64 {
	for part := range strings.SplitSeq(value, ",") {
		if key, number, _ := strings.Cut(part, "="); key == name {
			n, _ := strconv.ParseFloat(number, 64)
			return n
		}
	}
	return 0
}

// since returns the usage between before and u.
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

// plus returns the sum of two usages.
func (u usage) plus(other usage) usage {
	sum := usage{cpu: u.cpu + other.cpu, process: u.process + other.process, commands: map[string]commandUsage{}}
	for _, commands := range []map[string]commandUsage{u.commands, other.commands} {
		for name, one := range commands {
			sum.commands[name] = commandUsage{sum.commands[name].calls + one.calls, sum.commands[name].took + one.took}
		}
	}
	return sum
}

// calls returns the number of commands, including those that scripts ran.
func (u usage) calls() (sum float64) {
	for _, command := range u.commands {
		sum += command.calls
	}
	return sum
}

// took returns the time in µs of the commands that clients sent. sent is how often they sent each command. The time of a
// script includes that of the commands that it ran, so a command counts only with the share of its time that clients caused
// by sending it.
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

// scan calls the function each with batches of the keys that match the pattern, and with the master that holds them.
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

// clean removes all keys of this run, even if ctx has ended.
func (a *admin) clean(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer stop()
	var err error
	for found := true; found && err == nil; { // repeats, as the server may still run commands of workers
		var some atomic.Bool
		err = a.scan(ctx, a.pattern, func(ctx context.Context, master *redis.Client, keys []string) error {
			some.Store(true)
			pipe := master.Pipeline() // one command for each key, as keys of a cluster may be in different slots
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

// size is the memory and the number of keys.
type size struct {
	bytes int64
	keys  int
}

// memory returns the memory of the keys with the tag, by the number of their limiter. The names of the keys contain
// PREFIX:NNTAG, where NN is that number.
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
			if errors.Is(err, redis.Nil) { // the key has expired
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

// describe returns the name and version of the server, and the number of its masters.
func (a *admin) describe(ctx context.Context, embedded bool) (name string, nodes int, err error) {
	var mu sync.Mutex
	err = a.masters(ctx, func(ctx context.Context, master *redis.Client) error {
		// Measuring goes on without a name if the user has no right to INFO or the server doesn't support it.
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

// idleTime is how long busy counts the commands of other clients.
const idleTime = 500 * time.Millisecond

// busy counts the commands of other clients before a run. It returns a doubt if there are many, because the server's
// processor time includes them, or a note if the server doesn't count commands.
func (a *admin) busy(ctx context.Context) (note, doubt string) {
	before, err := a.usage(ctx)
	if err != nil {
		return "", ""
	}
	if len(before.commands) == 0 {
		return "the server doesn't report the cost of commands (INFO commandstats)", ""
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
		return "", fmt.Sprintf("other clients ran %.0f commands a second before the run; the server's processor time includes them", rate)
	}
	return "", ""
}
