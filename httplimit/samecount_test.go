package httplimit_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/denialcache"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/slidinglog"
)

// idle is a runner that can be compared with others; uncomparable is one that can't.
type (
	idle         struct{ server string }
	uncomparable []string
)

func (idle) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errDown
}

func (uncomparable) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errDown
}

// TestSharedCounts: New returns an error for two limiters that charge the same count for each request, and none for those
// that don't.
func TestSharedCounts(t *testing.T) {
	a, b := idle{"a"}, idle{"b"}
	minute := algorithms.PerMinute(10)
	local := must(gcra.NewLocal(minute))
	cached := must(denialcache.New(local))
	name := algorithms.WithName("login")
	get, post := httplimit.Methods(http.MethodGet), httplimit.Methods(http.MethodPost)
	for what, c := range map[string]struct {
		first, second algorithms.Limiter
		opt           httplimit.RuleOption
		shared        bool
	}{
		"the same limiter":                          {local, local, nil, true},
		"the same of another package":               {cached, cached, nil, true},
		"one by another key":                        {local, local, httplimit.Key(httplimit.Header("Tenant")), false},
		"one with a choice of limiters":             {local, local, httplimit.LimitFunc(local.With, func(*http.Request) algorithms.Limit { return minute }), false},
		"equal limits":                              {must(gcra.New(a, minute)), must(gcra.New(a, minute)), nil, true},
		"With of its own limit":                     {local, must(local.With(minute)), nil, true},
		"windows of one period":                     {must(fixedwindow.New(a, minute)), must(fixedwindow.New(a, algorithms.PerMinute(100))), nil, true},
		"logs of one period":                        {must(slidinglog.New(a, minute)), must(must(slidinglog.New(a, minute)).With(algorithms.PerMinute(100))), nil, true},
		"equal names":                               {must(gcra.New(a, minute, name)), must(gcra.New(a, minute, name)), nil, true},
		"a name":                                    {must(gcra.New(a, minute)), must(gcra.New(a, minute, name)), nil, false},
		"a prefix":                                  {must(gcra.New(a, minute)), must(gcra.New(a, minute, algorithms.WithPrefix("x"))), nil, false},
		"another server":                            {must(gcra.New(a, minute)), must(gcra.New(b, minute)), nil, false},
		"a runner that can't be compared":           {must(gcra.New(uncomparable{"c"}, minute)), must(gcra.New(uncomparable{"c"}, minute)), nil, false},
		"another limit":                             {must(gcra.New(a, minute)), must(gcra.New(a, algorithms.PerMinute(100))), nil, false},
		"another algorithm":                         {must(gcra.New(a, minute)), must(slidinglog.New(a, minute)), nil, false},
		"a window that is aligned":                  {must(fixedwindow.New(a, minute)), must(fixedwindow.New(a, minute, fixedwindow.Aligned())), nil, false},
		"Locals of equal limits":                    {local, must(gcra.NewLocal(minute)), nil, false},
		"a Local of another limit":                  {local, must(local.With(algorithms.PerMinute(100))), nil, false},
		"other methods":                             {local, local, post, false},
		"other requests":                            {local, local, httplimit.Skip(func(*http.Request) bool { return false }), false},
		"equal values that are no limiters of Weir": {instant{}, instant{}, nil, false},
	} {
		opts := []httplimit.RuleOption{httplimit.Name("second")}
		if c.opt != nil {
			opts = append(opts, c.opt)
		}
		all := []httplimit.Option{httplimit.Name("first"), httplimit.Also(c.second, opts...), httplimit.OnFailure(httplimit.LetPass)}
		if what == "other methods" {
			all = append(all, get)
		}
		_, err := httplimit.New(c.first, all...)
		if (err != nil) != c.shared || c.shared && !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, want an error: %v", what, err, c.shared)
			continue
		}
		if c.shared && !strings.Contains(err.Error(), `limiters "first" and "second" share one count, want one with a name`) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
