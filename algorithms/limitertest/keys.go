package limitertest

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
)

// testAnyKey: unusual keys count separately. Each is admitted its own limit.
func testAnyKey(t *testing.T, s *suite) {
	keys := []string{
		"", "k", " ", "}", "}x", "{", "{}", "{}x", "{x}", "}{", "-}x", "a{b}c", "a}b{c", "x}:gcra", "x}:gcra:n",
		"-{-x", ":", "*", "k\r\n", "\x00", "\x00\x00", "\xff\xfe\x80", "ключ", "%s%n", strings.Repeat("k", 256), strings.Repeat("k", 257), strings.Repeat("}", 257), strings.Repeat("k", 1<<20),
	}
	l := s.subject(t, algorithms.PerHour(3))
	for round := range int64(4) {
		for _, key := range keys {
			if r := l.ask(key, 1); r.Allowed != (round < 3) || r.Remaining != max(2-round, 0) {
				t.Errorf("request %d of 3 for the key %.20q (%d bytes): %+v", round+1, key, len(key), r)
			}
		}
	}
	for _, key := range keys {
		if err := l.Reset(context.Background(), key); err != nil {
			t.Errorf("Reset of the key %.20q (%d bytes): %v", key, len(key), err)
		}
	}
	for _, key := range keys {
		if r := l.peek(key); r.Remaining != 3 {
			t.Errorf("the key %.20q (%d bytes) after Reset: %+v, want it as new", key, len(key), r)
		}
	}
}

// testNamesAndPrefixes: limiters with different names or prefixes count separately.
func testNamesAndPrefixes(t *testing.T, s *suite) {
	l := s.subject(t, algorithms.PerHour(1))
	for _, opts := range [][]algorithms.Option{
		{algorithms.WithPrefix(l.prefix), algorithms.WithName("read")},
		{algorithms.WithPrefix(l.prefix), algorithms.WithName("write")},
		{algorithms.WithPrefix(l.prefix), algorithms.WithName("a:b{c")},
		{algorithms.WithPrefix(l.prefix + ":")},
		{algorithms.WithPrefix(l.prefix + " \x00é")},
	} {
		other := s.subject(t, algorithms.PerHour(1), opts...)
		if admitted, _ := other.fill("k"); admitted != 1 {
			t.Errorf("%d admitted under another name or prefix, want 1", admitted)
		}
	}
	if admitted, _ := l.fill("k"); admitted != 1 {
		t.Errorf("%d admitted, want 1", admitted)
	}
}

// testEveryKeyHasATTL checks the keys that requests leave on the server: each has a TTL, and lives at least as long as its
// state.
func testEveryKeyHasATTL(t *testing.T, s *suite) {
	if s.store == nil {
		return
	}
	for _, limit := range s.limits() {
		l := s.subject(t, limit)
		for i := range 40 {
			for _, key := range []string{"a", "b", ""} {
				l.ask(key, 1)
			}
			switch i {
			case 20:
				l.Advance(2 * limit.Period)
			case 30:
				l.Advance(-limit.Period)
			default:
				l.Advance(limit.Period / 15)
			}
		}
		s.wantTTL(t, l, time.Minute)

		real := s.subject(t, limit, algorithms.WithClock(nil))
		before := time.Now()
		r := real.ask("k", 1)
		// The TTL is read some time after the request. It may be below ResetAfter by no more than that time.
		s.wantTTL(t, real, 0)
		for key := range s.dump(t, real) {
			ttl, err := s.store.TTL(context.Background(), key)
			if err != nil {
				t.Fatal(err)
			}
			if passed := time.Since(before); ttl+passed < r.ResetAfter {
				t.Errorf("%v: the key lives %v, %v after its state was to live %v", limit, ttl, passed, r.ResetAfter)
			}
		}
	}
}

// wantTTL fails the test for keys of l without a TTL, or with one below least.
func (s *suite) wantTTL(t *testing.T, l *subject, least time.Duration) {
	t.Helper()
	for key := range s.dump(t, l) {
		ttl, err := s.store.TTL(context.Background(), key)
		if err != nil {
			t.Fatal(err)
		}
		if ttl == -2*time.Nanosecond || ttl == -2*time.Millisecond {
			continue // it has expired since the keys were read
		}
		if ttl < least {
			t.Errorf("the key %q has a TTL of %v, want at least %v", key, ttl, least)
		}
	}
}

// dump returns the stored keys of l, or nothing if the suite has no Store.
func (s *suite) dump(t *testing.T, l *subject) map[string]string {
	t.Helper()
	if s.store == nil {
		return nil
	}
	dump, err := s.store.Dump(context.Background(), l.prefix+":")
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

// sameDump fails the test if what l has stored isn't what it was before.
func (s *suite) sameDump(t *testing.T, l *subject, before map[string]string, by string) {
	t.Helper()
	if after := s.dump(t, l); !maps.Equal(before, after) {
		t.Fatalf("%s has changed the data set from %q to %q", by, before, after)
	}
}
