package local_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/go-weir/weir/internal/local"
)

func at(now int64) func() (int64, error) { return func() (int64, error) { return now, nil } }

// TestForgets: states that are over are gone after as many requests as there were
// keys, and all others stay.
func TestForgets(t *testing.T) {
	const keys = 20_000
	store := local.NewStore[int](1<<20, false)
	put := func(key string, now, until int64) {
		if err := store.Do("id", key, at(now), func(s *int, _ int64) local.Change { *s = 7; return local.Change{Until: until} }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range keys {
		put(fmt.Sprint("short", i), 0, 1000)
	}
	put("long", 0, 1_000_000)
	if n := store.Len(); n != keys+1 {
		t.Errorf("%d states held, want %d", n, keys+1)
	}
	for i := range 4 * keys {
		put(fmt.Sprint("new", i%10), 1000, 2000)
		if err := store.Do("id", fmt.Sprint("asked", i), at(1000), func(*int, int64) local.Change { return local.Change{Until: 0} }); err != nil {
			t.Fatal(err)
		}
	}
	if n := store.Len(); n != 11 {
		t.Errorf("%d states held long after most have ended, want 11", n)
	}
	kept := 0
	if err := store.Do("id", "long", at(1000), func(s *int, _ int64) local.Change { kept = *s; return local.Change{Until: 0} }); err != nil || kept != 7 {
		t.Errorf("the state that is not over is %d, %v, want 7", kept, err)
	}
	store.Forget("id", "long")
	if err := store.Do("id", "long", at(1000), func(s *int, _ int64) local.Change { kept = *s; return local.Change{Until: 0} }); err != nil || kept != 0 {
		t.Errorf("the state forgotten is %d, %v, want 0", kept, err)
	}
}

// TestSimulatedTime: the caller's clock may go back to before the end of a state that is over. So the state is kept for an
// hour after its end, and not longer, however many requests there are.
func TestSimulatedTime(t *testing.T) {
	const hour = 3_600_000_000
	store := local.NewStore[int](1<<20, true)
	keep := func(key string, now, until int64) {
		if err := store.Do("id", key, at(now), func(s *int, _ int64) local.Change { *s = 7; return local.Change{Until: until} }); err != nil {
			t.Fatal(err)
		}
	}
	keep("k", 0, 1000)
	ask := func(now int64) (state int) {
		for range 1000 { // more often than there are states: each shard is swept
			if err := store.Do("id", "k", at(now), func(s *int, _ int64) local.Change { state = *s; return local.Change{Until: 0} }); err != nil {
				t.Fatal(err)
			}
		}
		return state
	}
	if state := ask(1000 + hour - 1); state != 7 {
		t.Error("forgotten before an hour has passed")
	}
	if state := ask(1000 + hour); state != 0 {
		t.Error("still there after an hour")
	}
}

func TestClockFails(t *testing.T) {
	broken := errors.New("no time")
	err := local.NewStore[int](1<<20, false).Do("id", "k", func() (int64, error) { return 0, broken }, func(*int, int64) local.Change {
		t.Error("decided without a time")
		return local.Change{}
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want the clock's", err)
	}
}

// TestKeysAreCopied: a key that is a slice of a long string does not keep that in memory.
func TestKeysAreCopied(t *testing.T) {
	const long = 8 << 20
	store := local.NewStore[int](1<<20, false)
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := heap()
	for i := range 8 {
		header := strings.Repeat(fmt.Sprint(i), long)
		if err := store.Do("id", header[:100], at(0), func(*int, int64) local.Change { return local.Change{Until: 1000} }); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown >= long {
		t.Errorf("8 keys of 100 bytes hold %d bytes", grown)
	}
	if n := store.Len(); n != 8 {
		t.Errorf("%d states held, want 8", n)
	}
}
