package rueidisrunner_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/errtest"
	"github.com/go-weir/weir/internal/runnertest"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// mode is a client that only tells its mode. It is for tests that send nothing.
type mode struct {
	rueidis.Client
	of rueidis.ClientMode
}

func (m mode) Mode() rueidis.ClientMode { return m.of }

// together reports whether it is known that one script may use both keys.
func together(t *testing.T, run *rueidisrunner.Runner, one, other string) bool {
	t.Helper()
	a, known := run.Place(context.Background(), one)
	b, alsoKnown := run.Place(context.Background(), other)
	return known && alsoKnown && a.Group == b.Group
}

// TestPlace: keys are together only if they are known to be.
func TestPlace(t *testing.T) {
	for name, test := range map[string]struct {
		of            rueidis.ClientMode
		opts          []rueidisrunner.Option
		any, sameTags bool // whether keys are together if their tags differ, or are the same
	}{
		"standalone":     {of: rueidis.ClientModeStandalone, any: true, sameTags: true},
		"sentinel":       {of: rueidis.ClientModeSentinel, any: true, sameTags: true},
		"cluster":        {of: rueidis.ClientModeCluster, sameTags: true},
		"behind a proxy": {of: rueidis.ClientModeStandalone, opts: []rueidisrunner.Option{rueidisrunner.Sharded()}},
	} {
		run := errtest.Must(rueidisrunner.New(mode{of: test.of}, test.opts...))
		if got := together(t, run, "weir:{a}:gcra", "weir:{b}:gcra"); got != test.any {
			t.Errorf("%s: keys of two tags are together: %v", name, got)
		}
		if got := together(t, run, "weir:{a}:gcra", "weir:{a}:fixedwindow"); got != test.sameTags {
			t.Errorf("%s: keys of one tag are together: %v", name, got)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = run.Place(context.Background(), "weir:{a}") }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if _, known := (*rueidisrunner.Runner)(nil).Place(context.Background(), "key"); known {
		t.Error("a Runner without a client knows where a key is")
	}
}

// TestPlainClientOfACluster: a plain client's server counts as the only one until it shows that it is a node of a cluster.
func TestPlainClientOfACluster(t *testing.T) {
	w := runnertest.New(t)
	w.Decide(func(cmd []string) runnertest.Fate {
		if cmd[0] == "evalsha" {
			return runnertest.Fate{Answer: "-CROSSSLOT Keys in request don't hash to the same slot\r\n"}
		}
		return runnertest.Fate{}
	})
	run := errtest.Must(rueidisrunner.New(connect(t, 0, single(w))))
	if !together(t, run, "{a}", "{b}") {
		t.Error("keys of one server are not together")
	}
	if _, err := run.Run(context.Background(), runnertest.Count, []string{"{a}"}, nil); err == nil {
		t.Fatal("the call succeeded")
	}
	if together(t, run, "{a}", "{b}") || !together(t, run, "{a}", "x{a}") {
		t.Error("after CROSSSLOT: not by tag")
	}
}

// TestWrongOption: a nil option is an error.
func TestWrongOption(t *testing.T) {
	run, err := rueidisrunner.New(mode{}, nil)
	if run != nil || !errors.Is(err, algorithms.ErrInvalidOption) {
		t.Errorf("%v, %v, want ErrInvalidOption", run, err)
	}
}
