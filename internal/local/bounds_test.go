package local_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/go-weir/weir/internal/local"
)

// put stores a request of the key, as admitted or denied. used is the part of the limit that is in use after it. put reports
// whether the store held the key before.
func put(t *testing.T, store *local.Store[int], key string, now, until int64, used float32, denied bool) (known bool) {
	t.Helper()
	err := store.Do("id", key, at(now), func(s *int, _ int64) local.Change {
		known = *s == 7
		*s = 7
		return local.Change{Until: until, Used: used, Denied: denied}
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// TestBounded: a store holds at most its maximum of keys, and uses nearly all of that room.
func TestBounded(t *testing.T) {
	for _, most := range []int{1, 2, 7, 1023, 1024, 5000, 1 << 17} {
		store := local.NewStore[int](most, false)
		for i := range 3 * most {
			put(t, store, fmt.Sprint("key", i), 0, 1000, 0.5, false)
		}
		if n := store.Len(); n > most || n < most*9/10 {
			t.Errorf("%d keys are held of at most %d", n, most)
		}
	}
}

// TestFloodDropsNoDenied: a flood of new keys drops none of the keys that are being denied, even if there are no more
// requests for these. It also drops none of the keys that have used more of their limit than the keys of the flood.
func TestFloodDropsNoDenied(t *testing.T) {
	const most = 1000
	store := local.NewStore[int](most, false)
	for i := range 5 {
		put(t, store, fmt.Sprint("denied", i), 0, 1000, 1, false)
		put(t, store, fmt.Sprint("denied", i), 0, 1000, 1, true)
		put(t, store, fmt.Sprint("busy", i), 0, 1000, 0.9, false)
	}
	for i := range 100 * most {
		put(t, store, fmt.Sprint("flood", i), 0, 2000, 0.2, false)
	}
	lost := 0
	for i := range 5 {
		if !put(t, store, fmt.Sprint("denied", i), 0, 1000, 1, true) {
			t.Errorf("denied%d was dropped", i)
		}
		if !put(t, store, fmt.Sprint("busy", i), 0, 1000, 0.9, false) {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of 5 busy keys were dropped", lost)
	}
}

// TestFloodOfFullKeys: if each key of a flood uses its whole limit at once, the keys that are being denied stay.
func TestFloodOfFullKeys(t *testing.T) {
	const most = 1000
	store := local.NewStore[int](most, false)
	put(t, store, "denied", 0, 1000, 1, false)
	put(t, store, "denied", 0, 1000, 1, true)
	for i := range 100 * most {
		put(t, store, fmt.Sprint("flood", i), 0, 2000, 1, false)
	}
	if !put(t, store, "denied", 0, 1000, 1, true) {
		t.Error("the denied key was dropped")
	}
}

// TestAllDenied: even if all keys are being denied, there is room for another one.
func TestAllDenied(t *testing.T) {
	const most = 100
	store := local.NewStore[int](most, false)
	for i := range 10 * most {
		key := fmt.Sprint("key", i)
		put(t, store, key, 0, int64(1000+i), 1, false)
		put(t, store, key, 0, 0, 1, true)
		if !put(t, store, key, 0, 0, 1, true) {
			t.Fatalf("%s is not held", key)
		}
	}
	if n := store.Len(); n > most {
		t.Errorf("%d keys are held of at most %d", n, most)
	}
}

// TestOverMakesRoom: states that are over are dropped before others.
func TestOverMakesRoom(t *testing.T) {
	const most = 8 // as many as are looked at
	store := local.NewStore[int](most, false)
	put(t, store, "over", 0, 10, 1, true)
	for i := range most - 1 {
		put(t, store, fmt.Sprint("key", i), 0, 1000, 0.1, false)
	}
	put(t, store, "new", 20, 1000, 0.1, false)
	for i := range most - 1 {
		if !put(t, store, fmt.Sprint("key", i), 20, 1000, 0.1, false) {
			t.Errorf("key%d was dropped, though another was over", i)
		}
	}
}

// TestMemoryIsGivenBack: after a sweep of most keys, their memory is free.
func TestMemoryIsGivenBack(t *testing.T) {
	const keys = 200_000
	heap := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	store := local.NewStore[int](1<<20, false)
	before := heap()
	for i := range keys {
		put(t, store, fmt.Sprint("user:", i), 0, 1000, 0.5, false)
	}
	full := heap() - before
	for i := range 4 * keys { // as many calls as there were keys sweep all shards
		put(t, store, fmt.Sprint("later:", i%1000), 2000, 3000, 0.5, false)
		put(t, store, fmt.Sprint("asked:", i), 2000, 0, 0, false) // is in every shard, but not held
	}
	left := heap() - before
	if n := store.Len(); n != 1000 {
		t.Errorf("%d keys are held, want 1000", n)
	}
	if left > full/20 {
		t.Errorf("%d bytes are held after a sweep, of %d", left, full)
	}
	t.Logf("%d bytes a key", full/keys)
	runtime.KeepAlive(store)
}

// TestPeekIsNoDenial: a Peek doesn't change which key is dropped.
func TestPeekIsNoDenial(t *testing.T) {
	const most = 8 // as many as are looked at
	store := local.NewStore[int](most, false)
	put(t, store, "denied", 0, 1000, 1, false)
	put(t, store, "denied", 0, 0, 1, true)
	put(t, store, "denied", 0, 0, 0, false) // a Peek that would be admitted
	for i := range most - 1 {
		put(t, store, fmt.Sprint("full", i), 0, 2000, 1, false)
	}
	put(t, store, "new", 0, 2000, 0.1, false)
	if !put(t, store, "denied", 0, 0, 0, false) {
		t.Error("the denied key was dropped, after a Peek")
	}
}
