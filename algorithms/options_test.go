package algorithms_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/slidinglog"
)

// TestOptions: an option compiles only for the constructors that take it.
func TestOptions(t *testing.T) {
	any, local := reflect.TypeFor[algorithms.Option](), reflect.TypeFor[algorithms.LocalOption]()
	window, localWindow := reflect.TypeFor[fixedwindow.Option](), reflect.TypeFor[fixedwindow.LocalOption]()
	for _, c := range []struct {
		given, wanted reflect.Type
		fits          bool
	}{
		{any, local, true}, {any, window, true}, {any, localWindow, true},
		{local, any, false}, {local, window, false}, {local, localWindow, true},
		{window, any, false}, {window, local, false}, {window, localWindow, true},
	} {
		if c.given.Implements(c.wanted) != c.fits {
			t.Errorf("a %v is a %v: want %v", c.given, c.wanted, c.fits)
		}
	}
	for made, takes := range map[reflect.Type]reflect.Type{
		reflect.TypeOf(gcra.New): any, reflect.TypeOf(gcra.NewLocal): local,
		reflect.TypeOf(slidinglog.New): any, reflect.TypeOf(slidinglog.NewLocal): local,
		reflect.TypeOf(leakybucket.NewQueue): any, reflect.TypeOf(leakybucket.NewLocalQueue): local,
		reflect.TypeOf(fixedwindow.New): window, reflect.TypeOf(fixedwindow.NewLocal): localWindow,
	} {
		if last := made.In(made.NumIn() - 1); last.Elem() != takes {
			t.Errorf("%v takes %v, want %v", made, last.Elem(), takes)
		}
	}
}

// TestWrongOptions: values that can't be used are errors.
func TestWrongOptions(t *testing.T) {
	for name, opt := range map[string]algorithms.LocalOption{
		"no keys": algorithms.MaxKeys(0), "fewer": algorithms.MaxKeys(-1), "nil": nil,
		"brace": algorithms.WithPrefix("{"), "closing brace": algorithms.WithName("}"),
	} {
		if l, err := gcra.NewLocal(algorithms.PerSecond(1), opt); l != nil || !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: %v, %v, want ErrInvalidOption", name, l, err)
		}
		if q, err := leakybucket.NewLocalQueue(algorithms.PerSecond(1), opt); q != nil || !errors.Is(err, algorithms.ErrInvalidOption) {
			t.Errorf("%s: queue %v, %v, want ErrInvalidOption", name, q, err)
		}
	}
}

// TestNoBurst: fixedwindow and slidinglog refuse a limit with a burst.
func TestNoBurst(t *testing.T) {
	for _, burst := range []int64{1, 10, 99} {
		limit := algorithms.PerSecond(10).WithBurst(burst)
		if l, err := fixedwindow.NewLocal(limit); l != nil || !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("fixedwindow of %v: %v, %v, want ErrInvalidLimit", limit, l, err)
		}
		if l, err := slidinglog.NewLocal(limit); l != nil || !errors.Is(err, algorithms.ErrInvalidLimit) {
			t.Errorf("slidinglog of %v: %v, %v, want ErrInvalidLimit", limit, l, err)
		}
	}
	l, err := slidinglog.NewLocal(algorithms.Per(1, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := l.With(algorithms.Per(1, time.Hour).WithBurst(2)); l != nil || !errors.Is(err, algorithms.ErrInvalidLimit) {
		t.Errorf("With a burst: %v, %v, want ErrInvalidLimit", l, err)
	}
}
