package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/slidinglog"
)

// A weirCase is a decision of one of Weir's limiters on a key in one state.
type weirCase struct {
	name    string
	script  *scripts.Script // the script that decides
	limit   algorithms.Limit
	newKeys bool // each call is for a new key; otherwise all are for one key that exists
	denied  bool
	single  []weirCase // for a script for several limits: the decisions that it makes as one
}

const day = 24 * time.Hour

// These limits bring a key into its state and keep it there. If the name ends in Parts, the emission interval is not a whole
// number of microseconds.
var (
	ample      = algorithms.Per(10, time.Minute).WithBurst(1_000_000) // the TAT lies ever further ahead, and all are admitted
	ampleParts = algorithms.Per(7, time.Minute).WithBurst(1_000_000)
	idle       = algorithms.Per(1_000_000, time.Second)   // an interval of 1 µs: the TAT has passed at the next call
	idleParts  = algorithms.Per(7_000_000, 8*time.Second) // 8/7 µs
	once       = algorithms.Per(10, day).WithBurst(1)     // the first request is admitted, and then none
	onceParts  = algorithms.Per(7, day).WithBurst(1)
	roomy      = algorithms.Per(1_000_000, time.Hour)            // a window that admits all
	narrow     = algorithms.Per(1, day)                          // a window that admits one
	brief      = algorithms.Per(1_000_000, 100*time.Microsecond) // a window that has passed at the next call
)

// weirCases are all cases, grouped by script.
var weirCases = []weirCase{
	{name: "gcra/new", script: scripts.GCRA, limit: ample, newKeys: true},
	{name: "gcra/idle", script: scripts.GCRA, limit: idle},
	{name: "gcra/busy", script: scripts.GCRA, limit: ample},
	{name: "gcra/denied", script: scripts.GCRA, limit: once, denied: true},
	{name: "gcra-parts/new", script: scripts.GCRA, limit: ampleParts, newKeys: true},
	{name: "gcra-parts/idle", script: scripts.GCRA, limit: idleParts},
	{name: "gcra-parts/busy", script: scripts.GCRA, limit: ampleParts},
	{name: "gcra-parts/denied", script: scripts.GCRA, limit: onceParts, denied: true},
	{name: "gcra_peek/busy", script: scripts.GCRAPeek, limit: ample},
	{name: "gcra_peek/denied", script: scripts.GCRAPeek, limit: once, denied: true},
	{name: "gcra_peek-parts/busy", script: scripts.GCRAPeek, limit: ampleParts},
	{name: "gcra_peek-parts/denied", script: scripts.GCRAPeek, limit: onceParts, denied: true},
	{name: "gcra_most/busy", script: scripts.GCRAMost, limit: ample},
	{name: "gcra_most/denied", script: scripts.GCRAMost, limit: once, denied: true},
	{name: "gcra_most-parts/busy", script: scripts.GCRAMost, limit: ampleParts},
	{name: "gcra_reserve/busy", script: scripts.GCRAReserve, limit: ample},
	{name: "gcra_reserve-parts/busy", script: scripts.GCRAReserve, limit: ampleParts},
	{name: "gcra_settle/canceled", script: scripts.GCRASettle, limit: ample},
	{name: "gcra_settle-parts/canceled", script: scripts.GCRASettle, limit: ampleParts},

	{name: "queue/new", script: scripts.Queue, limit: ample, newKeys: true},
	{name: "queue/accepted", script: scripts.Queue, limit: ample},
	{name: "queue/refused", script: scripts.Queue, limit: once, denied: true},
	{name: "queue-parts/accepted", script: scripts.Queue, limit: ampleParts},
	{name: "queue-parts/refused", script: scripts.Queue, limit: onceParts, denied: true},

	{name: "fixedwindow/new", script: scripts.FixedWindow, limit: roomy, newKeys: true},
	{name: "fixedwindow/open", script: scripts.FixedWindow, limit: roomy},
	{name: "fixedwindow/denied", script: scripts.FixedWindow, limit: narrow, denied: true},
	{name: "fixedwindow_peek/open", script: scripts.FixedWindowPeek, limit: roomy},
	{name: "fixedwindow_peek/denied", script: scripts.FixedWindowPeek, limit: narrow, denied: true},
	{name: "fixedwindow_most/open", script: scripts.FixedWindowMost, limit: roomy},
	{name: "fixedwindow_reserve/open", script: scripts.FixedWindowReserve, limit: roomy},
	{name: "fixedwindow_settle/canceled", script: scripts.FixedWindowSettle, limit: roomy},

	{name: "slidinglog/new", script: scripts.SlidingLog, limit: roomy, newKeys: true},
	{name: "slidinglog/idle", script: scripts.SlidingLog, limit: brief},
	{name: "slidinglog/busy", script: scripts.SlidingLog, limit: roomy},
	{name: "slidinglog/denied", script: scripts.SlidingLog, limit: narrow, denied: true},
	{name: "slidinglog_peek/busy", script: scripts.SlidingLogPeek, limit: roomy},
	{name: "slidinglog_peek/denied", script: scripts.SlidingLogPeek, limit: narrow, denied: true},
	{name: "slidinglog_most/busy", script: scripts.SlidingLogMost, limit: roomy},
	{name: "slidinglog_reserve/busy", script: scripts.SlidingLogReserve, limit: roomy},
	{name: "slidinglog_settle/canceled", script: scripts.SlidingLogSettle, limit: roomy},

	// For leases, "busy" is a key with some leases held, and "denied" is a key with no free lease.
	{name: "inflight_acquire/new", script: scripts.InflightAcquire, limit: roomy, newKeys: true},
	{name: "inflight_acquire/busy", script: scripts.InflightAcquire, limit: roomy},
	{name: "inflight_acquire/denied", script: scripts.InflightAcquire, limit: narrow, denied: true},
	{name: "inflight_renew/busy", script: scripts.InflightRenew, limit: roomy},
	{name: "inflight_peek/busy", script: scripts.InflightPeek, limit: roomy},
	{name: "inflight_peek/denied", script: scripts.InflightPeek, limit: narrow, denied: true},
}

func init() {
	for _, kinds := range [][]string{{"gcra"}, {"gcra", "gcra"}, {"gcra", "fixedwindow"}, {"gcra", "slidinglog"}, {"fixedwindow", "slidinglog"},
		{"gcra", "gcra", "gcra"}, {"gcra", "fixedwindow", "slidinglog"}} {
		for _, state := range []string{"new", "busy", "denied"} {
			weirCases = append(weirCases, together(scripts.AllOf, state, kinds))
		}
	}
	weirCases = append(weirCases, together(scripts.AllOf, "busy", []string{"gcra-parts", "gcra-parts"}),
		together(scripts.AllOfPeek, "busy", []string{"gcra", "gcra"}), together(scripts.AllOfPeek, "denied", []string{"gcra", "gcra"}))
}

// together returns the case of one decision on limits of these kinds, each on a key in that state.
func together(script *scripts.Script, state string, kinds []string) weirCase {
	c := weirCase{name: script.Name() + "-" + strings.Join(kinds, "-") + "/" + state, script: script}
	for _, kind := range kinds {
		name := kind + "/" + state
		if kind == "fixedwindow" && state == "busy" {
			name = "fixedwindow/open"
		}
		i := slices.IndexFunc(weirCases, func(c weirCase) bool { return c.name == name })
		c.single = append(c.single, weirCases[i])
		c.newKeys, c.denied = weirCases[i].newKeys, weirCases[i].denied
	}
	return c
}

// decide makes a request for key and returns whether it is admitted.
type decide func(ctx context.Context, key string) (bool, error)

// open returns two decisions of the limiter: charge changes a key's state, and counted is the decision whose instructions
// are counted.
func (c weirCase) open(run scripts.Runner) (charge, counted decide, err error) {
	var limiter algorithms.Limiter
	switch c.script {
	case scripts.Queue:
		queue, err := leakybucket.NewQueue(run, c.limit)
		schedule := func(ctx context.Context, key string) (bool, error) {
			slot, err := queue.Schedule(ctx, key)
			return slot.Accepted, err
		}
		return schedule, schedule, err
	case scripts.InflightAcquire, scripts.InflightRenew, scripts.InflightPeek:
		return c.openLeases(run)
	default:
		if limiter, err = c.limiter(run); err != nil {
			return nil, nil, err
		}
	}
	charge = admits(limiter.Allow)
	switch c.script {
	case scripts.GCRAPeek, scripts.FixedWindowPeek, scripts.SlidingLogPeek, scripts.AllOfPeek:
		return charge, admits(limiter.Peek), nil
	case scripts.GCRAMost, scripts.FixedWindowMost, scripts.SlidingLogMost:
		return charge, func(ctx context.Context, key string) (bool, error) {
			_, result, err := limiter.(*algorithms.Remote).AllowAtMost(ctx, key, 3)
			return result.Allowed, err
		}, nil
	case scripts.GCRAReserve, scripts.FixedWindowReserve, scripts.SlidingLogReserve:
		return charge, reserves(limiter.(*algorithms.Remote), false), nil
	case scripts.GCRASettle, scripts.FixedWindowSettle, scripts.SlidingLogSettle:
		return charge, reserves(limiter.(*algorithms.Remote), true), nil
	}
	return charge, charge, nil
}

// limiter returns the limiter of the case.
func (c weirCase) limiter(run scripts.Runner, opts ...algorithms.Option) (algorithms.Limiter, error) {
	switch c.script {
	case scripts.GCRA, scripts.GCRAPeek, scripts.GCRAMost, scripts.GCRAReserve, scripts.GCRASettle:
		return gcra.New(run, c.limit, opts...)
	case scripts.FixedWindow, scripts.FixedWindowPeek, scripts.FixedWindowMost, scripts.FixedWindowReserve, scripts.FixedWindowSettle:
		windows := make([]fixedwindow.Option, len(opts))
		for i, opt := range opts {
			windows[i] = opt
		}
		return fixedwindow.New(run, c.limit, windows...)
	case scripts.SlidingLog, scripts.SlidingLogPeek, scripts.SlidingLogMost, scripts.SlidingLogReserve, scripts.SlidingLogSettle:
		return slidinglog.New(run, c.limit, opts...)
	case scripts.AllOf, scripts.AllOfPeek:
		var all []algorithms.Limiter
		for i, single := range c.single {
			limiter, err := single.limiter(run, algorithms.WithName(strconv.Itoa(i)))
			if err != nil {
				return nil, err
			}
			all = append(all, limiter)
		}
		return allof.New(all...)
	}
	return nil, fmt.Errorf("%s: no limiter calls the script %s", c.name, c.script.Name())
}

// reserves returns a decision that reserves one event, and then cancels the reservation if cancel is true.
func reserves(limiter algorithms.Reserver, cancel bool) decide {
	return func(ctx context.Context, key string) (bool, error) {
		reservation, err := limiter.Reserve(ctx, key, 1)
		if err == nil && cancel {
			err = reservation.Cancel(ctx)
		}
		if err != nil {
			return false, err
		}
		return reservation.Result().Allowed, nil
	}
}

func admits(ask func(context.Context, string) (algorithms.Result, error)) decide {
	return func(ctx context.Context, key string) (bool, error) {
		result, err := ask(ctx, key)
		return result.Allowed, err
	}
}

// subject returns a subject that counts the case. If text is not nil, it replaces the shipped script.
func (c weirCase) subject(name string, text *scripts.Script, args []string) subject {
	return subject{name: name, count: func(ctx context.Context, on *counter) (float64, error) {
		runner, err := goredisrunner.New(on.client)
		if err != nil {
			return 0, err
		}
		charge, counted, err := c.open(&instead{runner, c.script, text, args})
		if err != nil {
			return 0, err
		}
		ask := func(ctx context.Context, by decide, i int, want ...bool) error {
			admitted, err := by(ctx, keyOf(i))
			if text != nil && errors.Is(err, scripts.ErrReply) {
				return nil // a text may reply in another form than the script's
			}
			if err == nil && len(want) > 0 && admitted != want[0] {
				err = fmt.Errorf("a request was admitted: %v, want %v", admitted, want[0])
			}
			return err
		}
		for range 2 { // twice, because a queue with a burst of 1 accepts a second request, which waits
			if err := ask(ctx, charge, 0); err != nil {
				return 0, err
			}
		}
		do := each(func(ctx context.Context, i int) error {
			if !c.newKeys {
				i = 0
			}
			return ask(ctx, counted, i, !c.denied)
		})
		if c.newKeys { // with few keys, the server's hash tables grow often
			if err := do(ctx, manyKeys); err != nil {
				return 0, err
			}
		}
		return on.count(ctx, do)
	}}
}

const manyKeys = 250

// keyOf returns a key. All keys have the same length.
func keyOf(i int) string { return fmt.Sprintf("user:%06d", i) }

// instead is a runner that runs text instead of script, unless text is nil.
type instead struct {
	scripts.Runner
	script, text *scripts.Script
	args         []string // of the text; the caller's arguments replace the first of them
}

// Unwrap returns the wrapped runner, so that callers find out where it sends keys.
func (r instead) Unwrap() scripts.Runner { return r.Runner }

// Run implements scripts.Runner.
func (r instead) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	if s == r.script && r.text != nil {
		s = r.text
		if len(r.args) > len(args) {
			args = append(slices.Clone(args), r.args[len(args):]...)
		}
	}
	return r.Runner.Run(ctx, s, keys, args)
}
