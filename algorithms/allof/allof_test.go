package allof_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// must returns l. It panics if there is an error.
func must[L algorithms.Limiter](l L, err error) algorithms.Limiter {
	if err != nil {
		panic(err)
	}
	return l
}

// answering is a runner that always returns the same reply or error, and counts its calls. It says that keys with equal hash
// tags are in one place.
type answering struct {
	reply []int64
	err   error
	calls int
	keys  []string
	args  []string
}

func (a *answering) Run(_ context.Context, _ *scripts.Script, keys, args []string) ([]int64, error) {
	a.calls++
	a.keys, a.args = keys, args
	return a.reply, a.err
}

func (a *answering) Place(_ context.Context, key string) (scripts.Place, bool) {
	tag := scripts.HashTag(key)
	return scripts.Place{Group: tag}, tag != "unknown"
}

// uncomparable is a runner for which == panics.
type uncomparable struct {
	*answering
	_ []int
}

// wrapper is a runner around another one, without a method Unwrap.
type wrapper struct{ scripts.Runner }

func TestNew(t *testing.T) {
	run, other, clock := &answering{}, &answering{}, limitertest.NewClock(algorithmtest.Start)
	second, minute := algorithms.PerSecond(10), algorithms.PerMinute(100)
	remote := must(gcra.New(run, second))
	local := must(gcra.NewLocal(second))
	window := must(fixedwindow.NewLocal(minute)).(*algorithms.Local)
	cached := must(denialcache.New(remote))
	nested := must(allof.New(remote))
	for _, c := range []struct {
		name     string
		limiters []algorithms.Limiter
		want     error
		says     string
	}{
		{"none", nil, algorithms.ErrNilLimiter, "none was given"},
		{"nil", []algorithms.Limiter{remote, nil}, algorithms.ErrNilLimiter, "limiter 2 of 2 is nil"},
		{"a nil Remote", []algorithms.Limiter{(*algorithms.Remote)(nil)}, algorithms.ErrNilLimiter, "limiter 1 of 1 is nil"},
		{"a nil Local", []algorithms.Limiter{local, (*algorithms.Local)(nil)}, algorithms.ErrNilLimiter, "limiter 2 of 2 is nil"},
		{"a cache", []algorithms.Limiter{cached}, allof.ErrNotTogether, "goes around"},
		{"nested", []algorithms.Limiter{nested, must(gcra.New(run, minute))}, allof.ErrNotTogether, "limiter 1 is a *allof.Limiter"},
		{"a Remote and a Local", []algorithms.Limiter{remote, local}, allof.ErrNotTogether, "all on one server"},
		{"two runners", []algorithms.Limiter{remote, must(gcra.New(other, minute))}, allof.ErrNotTogether, "different runners"},
		{"runners that can't be compared", []algorithms.Limiter{
			must(gcra.New(uncomparable{answering: run}, second)), must(gcra.New(uncomparable{answering: run}, minute)),
		}, allof.ErrNotTogether, "can't be compared"},
		{"a runner that can't tell where keys are", []algorithms.Limiter{must(gcra.New(wrapper{run}, second))}, allof.ErrNotTogether, "scripts.Placer"},
		{"one clock", []algorithms.Limiter{remote, must(gcra.New(run, minute, algorithms.WithClock(clock.Now)))}, allof.ErrNotTogether, "WithClock"},
		{"one clock of Locals", []algorithms.Limiter{local, must(gcra.NewLocal(minute, algorithms.WithClock(clock.Now)))}, allof.ErrNotTogether, "WithClock"},
		{"one limiter twice", []algorithms.Limiter{remote, remote}, allof.ErrNotTogether, "limiters 1 and 2 share one count"},
		{"one limit twice", []algorithms.Limiter{remote, must(gcra.New(run, minute)), must(gcra.New(run, second))}, allof.ErrNotTogether, "limiters 1 and 3"},
		{"windows of one Period", []algorithms.Limiter{
			must(fixedwindow.New(run, algorithms.PerMinute(5))), must(fixedwindow.New(run, minute)),
		}, allof.ErrNotTogether, "algorithms.WithName"},
		{"Locals of one Period and store", []algorithms.Limiter{window, must(window.With(algorithms.PerMinute(7)))}, allof.ErrNotTogether, "fixedwindow:1m"},
	} {
		l, err := allof.New(c.limiters...)
		if l != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v, want an error like %q that says %q", c.name, l, err, c.want, c.says)
		}
	}
	for name, limiters := range map[string][]algorithms.Limiter{
		"names":             {remote, must(gcra.New(run, second, algorithms.WithName("x"))), must(gcra.New(run, second, algorithms.WithPrefix("x")))},
		"stores":            {window, must(fixedwindow.NewLocal(minute))},
		"Periods":           {window, must(window.With(algorithms.PerHour(7)))},
		"one uncomparable":  {must(gcra.New(uncomparable{answering: run}, second))},
		"clocks":            {must(gcra.New(run, second, algorithms.WithClock(clock.Now))), must(gcra.New(run, minute, algorithms.WithClock(clock.Now)))},
		"aligned, and not ": {must(fixedwindow.New(run, minute)), must(fixedwindow.New(run, minute, fixedwindow.Aligned()))},
	} {
		if _, err := allof.New(limiters...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if run.calls+other.calls > 0 {
		t.Error("New has sent something")
	}
}

// TestWrongRequests: nothing is sent for a request that no limiter can admit, or for keys that aren't known to be together.
func TestWrongRequests(t *testing.T) {
	ctx, run := context.Background(), &answering{reply: []int64{1, 1}}
	remotes, err := allof.New(must(gcra.New(run, algorithms.PerSecond(10))), must(slidinglog.New(run, algorithms.PerMinute(5))))
	if err != nil {
		t.Fatal(err)
	}
	locals, err := remotes.Local()
	if err != nil {
		t.Fatal(err)
	}
	type requests = []allof.Request
	for _, l := range []*allof.Limiter{remotes, locals.(*allof.Limiter)} {
		for _, c := range []struct {
			asked requests
			want  error
			says  string
		}{
			{nil, algorithms.ErrInvalidCost, "0 requests for 2 limiters"},
			{requests{{"k", 1}}, algorithms.ErrInvalidCost, "1 requests for 2 limiters"},
			{requests{{"k", 1}, {"k", 1}, {"k", 1}}, algorithms.ErrInvalidCost, "3 requests for 2 limiters"},
			{requests{{"k", 0}, {"k", 1}}, algorithms.ErrInvalidCost, "limiter 1 of 2, gcra:10/1s"},
			{requests{{"k", 1}, {"k", -1}}, algorithms.ErrInvalidCost, "limiter 2 of 2, slidinglog:1m"},
			{requests{{"k", 11}, {"k", 1}}, algorithms.ErrCostExceedsLimit, "limiter 1 of 2, gcra:10/1s"},
			{requests{{"k", 1}, {"k", 6}}, algorithms.ErrCostExceedsLimit, "want 1 to 5"},
			{requests{{"a", 1}, {"b", 1}}, allof.ErrNotTogether, "such as {acme} and {acme}:alice"},
			{requests{{"a", 1}, {"unknown", 1}}, allof.ErrNotTogether, `"weir:{unknown}:slidinglog:1m"`},
		} {
			if l != remotes && errors.Is(c.want, allof.ErrNotTogether) {
				continue
			}
			for _, ask := range []func(context.Context, ...allof.Request) (allof.Decision, error){l.AllowEach, l.PeekEach} {
				if d, err := ask(ctx, c.asked...); d.Each != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v: %v, %v, want an error like %q that says %q", c.asked, d, err, c.want, c.says)
				}
			}
		}
		if _, err := l.AllowN(ctx, "k", 6); !errors.Is(err, algorithms.ErrCostExceedsLimit) || !strings.Contains(err.Error(), "limiter 2") {
			t.Errorf("a cost of 6: %v", err)
		}
		if r, err := l.Peek(ctx, "k"); l != remotes && (err != nil || r.Remaining != 5 || r.ResetAfter != 0) {
			t.Errorf("a wrong request was charged: %+v, %v", r, err)
		}
	}
	if run.calls > 1 { // the Peek
		t.Errorf("%d calls were sent", run.calls)
	}
}

// TestTogether: keys of the form that the error advises have one hash tag, and are sent in one call.
func TestTogether(t *testing.T) {
	run := &answering{reply: []int64{100_000, 1}}
	l, err := allof.New(must(gcra.New(run, algorithms.PerSecond(10))), must(slidinglog.New(run, algorithms.PerMinute(5))))
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.AllowEach(context.Background(), allof.Request{"{acme}", 1}, allof.Request{"{acme}:alice", 2})
	if err != nil || !d.Result.Allowed || d.Result.Remaining != 4 || d.Each[0].Remaining != 9 {
		t.Errorf("%+v, %v", d, err)
	}
	wantKeys := []string{"weir:{{acme}}:gcra:10/1s", "weir:{{acme}:alice}:slidinglog:1m"}
	wantArgs := []string{"gs", "100000", "1000000", "2", "5", "60000000"}
	if run.calls != 1 || !slices.Equal(run.keys, wantKeys) || !slices.Equal(run.args, wantArgs) {
		t.Errorf("%d calls, the last with the keys %q and the arguments %q", run.calls, run.keys, run.args)
	}
}

// TestCrossSlot: a server that wasn't known to be in a cluster replies CROSSSLOT. The error is then the same as for keys
// that are known to be in different slots.
func TestCrossSlot(t *testing.T) {
	run := &answering{err: resptest.Error("CROSSSLOT Keys in request don't hash to the same slot")}
	l, err := allof.New(must(gcra.New(run, algorithms.PerSecond(10))))
	if err != nil {
		t.Fatal(err)
	}
	var reply resptest.Error
	if _, err := l.Allow(context.Background(), "k"); !errors.Is(err, allof.ErrNotTogether) || !errors.As(err, &reply) {
		t.Errorf("%v, want ErrNotTogether and the server's error", err)
	}
}

// TestReplies: an impossible reply of the script is an error.
func TestReplies(t *testing.T) {
	run := &answering{}
	l, err := allof.New(must(gcra.New(run, algorithms.PerSecond(7))), must(slidinglog.New(run, algorithms.PerMinute(5))))
	if err != nil {
		t.Fatal(err)
	}
	for _, good := range [][]int64{{2, 142_857, 1, 1, 1}, {2, 0, 0, 3, 1, 0, 5}, {2, -1_000_001, 0, 3, 2, 0, 60_000_000}} {
		run.reply = good
		if d, err := l.Allow(context.Background(), "k"); err != nil || d.Limit != 5 {
			t.Errorf("%v: %+v, %v", good, d, err)
		}
	}
	for _, bad := range [][]int64{
		nil, {}, {1}, {2, 142_857, 1}, {2, 142_857, 1, 1}, {2, 142_857, 1, 1, 1, 1}, {2, 142_857, 1, 2, 1, 1}, {2, 142_857, 1, 3, 1, 0},
		{3, 142_857, 1, 1, 1}, {-1, 142_857, 1, 1}, {2, 142_857, 7, 1, 1}, {2, 1_142_857, 1, 1, 1}, {2, 142_857, 1, 1, 6},
		{2, 142_857, 1, 3, 1, 5, 5}, {9_223_372_036_854_775_807, 1, 1, 1, 1}, {2, 142_857, 1, 1, 1, 0},
	} {
		run.reply = bad
		if d, err := l.Allow(context.Background(), "k"); !errors.Is(err, scripts.ErrReply) {
			t.Errorf("%v: %+v, %v, want ErrReply", bad, d, err)
		}
	}
}

// TestReset: after Reset no limiter has a count of the key.
func TestReset(t *testing.T) {
	conn := server(t)
	l, err := allof.New(must(gcra.New(conn, algorithms.PerSecond(1))), must(fixedwindow.New(conn, algorithms.PerMinute(1))))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := l.Allow(context.Background(), "k"); err != nil || !r.Allowed {
			t.Errorf("%+v, %v", r, err)
		}
		if err := l.Reset(context.Background(), "k"); err != nil {
			t.Error(err)
		}
	}
	failing, err := allof.New(must(gcra.New(&answering{err: errors.New("down")}, algorithms.PerSecond(1))))
	if err != nil {
		t.Fatal(err)
	}
	if err := failing.Reset(context.Background(), "k"); err == nil {
		t.Error("Reset has not failed")
	}
}

// TestLocal: all Locals of a Limiter share their counts. The Local of a Local is itself.
func TestLocal(t *testing.T) {
	run := &answering{}
	l, err := allof.New(must(gcra.New(run, algorithms.PerHour(3))), must(fixedwindow.New(run, algorithms.PerHour(2))))
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []bool{true, true, false} {
		local, err := l.Local()
		if err != nil {
			t.Fatal(err)
		}
		if r, err := local.Allow(context.Background(), "k"); err != nil || r.Allowed != allowed {
			t.Errorf("%+v, %v, want %v", r, err, allowed)
		}
		if again, err := local.(*allof.Limiter).Local(); err != nil || again != local {
			t.Errorf("the Local of a Local is %v, %v", again, err)
		}
		if err := local.Reset(ended(), "k"); !errors.Is(err, context.Canceled) {
			t.Errorf("Reset in a context that has ended: %v", err)
		}
	}
	if run.calls > 0 {
		t.Error("a Local has sent something")
	}
}

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
