package scripts_test

import (
	"context"
	"testing"

	"github.com/go-weir/weir/scripts"
)

// plain is a Runner that isn't a Placer.
type plain struct{}

func (plain) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, nil
}

// placed is a Runner that knows where keys live.
type placed struct{ plain }

func (*placed) Place(_ context.Context, key string) (scripts.Place, bool) {
	return scripts.Place{Group: key}, true
}

// wrapped is a Runner around another one.
type wrapped struct{ scripts.Runner }

func (w *wrapped) Unwrap() scripts.Runner { return w.Runner }

// looped unwraps to itself, and can't be compared.
type looped struct {
	plain
	_ []int
}

func (l looped) Unwrap() scripts.Runner { return l }

// TestPlacerBehindWrappers: a Placer is found behind any number of wrappers. A nil Runner or a cycle of wrappers has none.
func TestPlacerBehindWrappers(t *testing.T) {
	inner := &placed{}
	var deep scripts.Runner = inner
	for range 10_000 {
		deep = &wrapped{deep}
	}
	circle := &wrapped{}
	circle.Runner = &wrapped{circle}
	for name, test := range map[string]struct {
		run  scripts.Runner
		want scripts.Placer
	}{
		"itself":                {inner, inner},
		"deep":                  {deep, inner},
		"none":                  {&wrapped{plain{}}, nil},
		"nil":                   {nil, nil},
		"nil behind a wrapper":  {&wrapped{}, nil},
		"a typed nil":           {(*placed)(nil), nil},
		"a typed nil, wrapped":  {&wrapped{(*placed)(nil)}, nil},
		"a typed nil's wrapper": {&wrapped{(*wrapped)(nil)}, nil},
		"to itself":             {looped{}, nil},
		"a circle":              {circle, nil},
	} {
		if got := scripts.PlacerOf(test.run); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestHashTag tests examples of the specification of Redis Cluster.
func TestHashTag(t *testing.T) {
	for key, want := range map[string]string{
		"": "", "123456789": "123456789", "foo": "foo", "{foo}bar": "foo", "x{foo}{bar}": "foo", "{}foo": "{}foo", "{foo": "{foo",
		"foo}{bar": "foo}{bar", "foo}{bar}": "bar", "{{foo}}": "{foo",
	} {
		if got := scripts.HashTag(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}
