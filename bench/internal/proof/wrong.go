package proof

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/verify"
	"github.com/go-weir/weir/scripts"
)

// wrongs are runners that make a fixed window, or limits that decide as one, wrong in ways that occur in practice. The harness must
// find each of them.
var wrongs = []struct {
	name, kind string
	wrap       load.Middleware
	through    []string                   // the middleware that is closer to the client
	load       func(*Load)                // changes the case's load
	found      func(verify.Findings) bool // whether the findings show that it is wrong
}{
	{
		"read, decide, write", "fixedwindow", func(run scripts.Runner) scripts.Runner { return readDecideWrite{run} },
		nil, nil, wronglyAdmits, // it writes its own journal
	},
	{
		"the client's clock", "fixedwindow", func(run scripts.Runner) scripts.Runner { return clientClock{run} },
		[]string{Recorder}, nil, wronglyAdmits,
	},
	{
		"TTL in seconds", "fixedwindow", changed(wholeSeconds),
		[]string{Recorder}, severalWindows, func(f verify.Findings) bool { return f.Forgotten > 0 && f.Largest > f.Bound },
	},
	{
		"half a charge", subject.Several[0].Name, changed(halfCharges),
		[]string{Recorder}, severalWindows, func(f verify.Findings) bool { return f.WronglyRefused > 0 && f.Diverging > 0 },
	},
	{
		"fewer than fit", "fixedwindow", changed(oneFewer),
		[]string{Recorder}, func(l *Load) { l.MostCost, l.AtMosts = 5, 1 },
		func(f verify.Findings) bool { return f.WronglyRefused > 0 && f.Diverging > 0 },
	},
	{
		"all is given back", "gcra", changed(givesAllBack),
		[]string{Recorder}, settlesLate(soonOver.WithBurst(5)),
		func(f verify.Findings) bool { return f.WronglyAdmitted > 0 && f.Diverging > 0 },
	},
	{
		"given back to any window", "fixedwindow", changed(anyWindow),
		[]string{Recorder}, settlesLate(soonOver),
		func(f verify.Findings) bool { return f.WronglyAdmitted > 0 && f.Diverging > 0 },
	},
}

func wronglyAdmits(f verify.Findings) bool { return f.Largest > f.Bound && f.WronglyAdmitted > 0 }

var (
	wrongLimit = algorithms.Per(50, 1500*time.Millisecond)
	soonOver   = algorithms.Per(20, 50*time.Millisecond)
)

// severalWindows changes a load so that it lasts for several windows, in each of which most calls are refused.
func severalWindows(l *Load) {
	l.Pause, l.Asked[0].Limit = 20*time.Millisecond, algorithms.Per(5, wrongLimit.Period)
}

// settlesLate returns a change of a load. With it, callers reserve and settle under a limit whose window, or burst, is over
// before most reservations are settled.
func settlesLate(limit algorithms.Limit) func(*Load) {
	return func(l *Load) { l.MostCost, l.Reserves, l.Asked[0].Limit = 5, 0.8, limit }
}

// wrongCases returns a case for each of wrongs, with the check that finds it.
func wrongCases() []Case {
	var cases []Case
	for _, w := range wrongs {
		l := Load{
			Processes: 6, Goroutines: 4, Keys: keys(1), Through: append(w.through, w.name), Pause: 5 * time.Millisecond,
			Asked: []load.Asked{{Kind: w.kind, Limit: wrongLimit}}, MostCost: 1,
		}
		if w.load != nil {
			w.load(&l)
		}
		cases = append(cases, Case{Name: w.name, Load: l, Felt: w.found})
	}
	return cases
}

// readDecideWrite decides in the client between a read and a write, as a throttle with a shared cache does. If two callers read
// before either writes, both decide on the same count.
type readDecideWrite struct{ run scripts.Runner }

var (
	read = scripts.New("read", `
local time = redis.call('TIME')
local stored = redis.call('GET', KEYS[1])
local finish, count = string.match(stored or '', '^(%d+) (%d+)$')
return {tonumber(count or 0), tonumber(finish or 0), time[1] * 1000000 + time[2], stored and 1 or 0}`)
	write = scripts.New("write", `
if ARGV[3] == '1' then
  redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[1], 'PX', ARGV[4])
end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('RPUSH', KEYS[2], ARGV[5] .. ' ' .. now .. ' ' .. ARGV[6])
return tonumber(now)`)
)

func (r readDecideWrite) Run(ctx context.Context, _ *scripts.Script, keys, args []string) ([]int64, error) {
	mark := journal.MarkOf(ctx)
	state, err := r.run.Run(ctx, read, keys, nil)
	if err != nil {
		return nil, err
	}
	count, finish, now := state[0], state[1], state[2]
	cost, _ := strconv.ParseInt(args[0], 10, 64)
	rate, _ := strconv.ParseInt(args[1], 10, 64)
	period, _ := strconv.ParseInt(args[2], 10, 64)
	if now >= finish {
		count, finish = 0, now+period
	}
	allowed, standing := 0, -1-count
	if count+cost <= rate {
		allowed, count = 1, count+cost
		standing = count
	}
	left := finish - now
	numbers := strings.Fields(fmt.Sprint(count, finish, allowed, left/1000+100, mark.Call))
	reply, err := r.run.Run(ctx, write, []string{keys[0], journal.KeyOf(keys[0])}, append(numbers, fmt.Sprint(state[3], standing, left)))
	if err != nil {
		return nil, err
	}
	mark.Entry = journal.Entry{Call: mark.Call, Now: reply[0], Found: state[3] == 1, Reply: []int64{standing, left}}
	return mark.Reply, nil
}

// clientClock sends the client's time with each request. The clocks of two machines always differ, so here every other
// process is a period ahead.
type clientClock struct{ run scripts.Runner }

func (c clientClock) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	now := time.Now()
	if worker := journal.MarkOf(ctx).Call / load.CallsEach; worker%2 == 0 {
		now = now.Add(wrongLimit.Period)
	}
	return c.run.Run(ctx, s, keys, append(slices.Clip(args), strconv.FormatInt(now.UnixMicro(), 10)))
}

// changes is a runner that changes the text of scripts.
type changes struct {
	scripts.Runner
	change *strings.Replacer
	kept   sync.Map // *scripts.Script → *scripts.Script
}

// changed returns middleware that changes the text of scripts.
func changed(change *strings.Replacer) load.Middleware {
	return func(run scripts.Runner) scripts.Runner { return &changes{Runner: run, change: change} }
}

func (c *changes) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	other, ok := c.kept.Load(s)
	if !ok {
		other, _ = c.kept.LoadOrStore(s, scripts.New(s.Name(), c.change.Replace(s.Source())))
	}
	return c.Runner.Run(ctx, other.(*scripts.Script), keys, args)
}

func (c *changes) Unwrap() scripts.Runner { return c.Runner }

var (
	// wholeSeconds cuts TTLs to whole seconds, so that a window is forgotten before it ends.
	wholeSeconds = strings.NewReplacer(`'PX', life)`, `'EX', math.max(math.floor(left / 1000000), 1))`)
	// halfCharges charges the bucket among several limits for each request that the bucket alone would admit.
	halfCharges = strings.NewReplacer(
		"if all then\n      ahead", "if allowed then\n      ahead",
		"if all or clamped then\n      if was", "if allowed or clamped then\n      if was",
	)
	// oneFewer admits one event fewer than fit.
	oneFewer = strings.NewReplacer("math.max(1, math.min(ARGV[1], ARGV[2] - count))", "math.max(1, math.min(ARGV[1], ARGV[2] - count) - 1)")
	// givesAllBack also gives back what has come back by itself meanwhile.
	givesAllBack = strings.NewReplacer(
		"left, left_part = least(left, left_part, charge, charge_part)", "left, left_part = charge, charge_part",
	)
	// anyWindow gives back to the window that is open, even if another one was charged.
	anyWindow = strings.NewReplacer("if finish ~= ARGV[5] or finish - now <= 0 then", "if not finish or finish - now <= 0 then")
)
