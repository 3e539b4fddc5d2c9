package journal_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// TestRecorder: a limiter over a recorder answers like one without, and the journal holds each of its calls once, in order,
// including Peeks and Resets.
func TestRecorder(t *testing.T) {
	server, conn := resptest.Miniredis(t)
	l, err := gcra.New(journal.New(conn), algorithms.PerHour(2), algorithms.WithPrefix("p"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gcra.New(conn, algorithms.PerHour(2), algorithms.WithPrefix("plain"))
	if err != nil {
		t.Fatal(err)
	}
	marks := make([]journal.Mark, 5)
	for i, call := range []func(context.Context, algorithms.Limiter) (algorithms.Result, error){
		func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) { return l.Allow(ctx, "k") },
		func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) {
			return l.AllowN(ctx, "k", 2)
		},
		func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) { return l.Peek(ctx, "k") },
		func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) {
			return algorithms.Result{}, l.Reset(ctx, "k")
		},
		func(ctx context.Context, l algorithms.Limiter) (algorithms.Result, error) {
			return l.AllowN(ctx, "k", 2)
		},
	} {
		marks[i].Call = int64(100 + i)
		got, err := call(journal.WithMark(t.Context(), &marks[i]), l)
		if err != nil {
			t.Fatal(err)
		}
		want, err := call(t.Context(), plain)
		if err != nil || got.Allowed != want.Allowed || got.Remaining != want.Remaining {
			t.Errorf("call %d: %+v, a plain limiter's %+v, %v", i, got, want, err)
		}
	}
	texts, err := server.List("p:{k}:gcra:2/1h" + journal.Suffix)
	if err != nil || len(texts) != len(marks) {
		t.Fatalf("the journal is %q, %v", texts, err)
	}
	for i, text := range texts {
		entry, err := journal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(marks[i], journal.Mark{Entry: entry}) || entry.Call != int64(100+i) || entry.Now == 0 {
			t.Errorf("mark %+v, entry %q", marks[i], text)
		}
		if found := []bool{false, true, true, true, false}[i]; entry.Found != found {
			t.Errorf("entry %q: found %v, want %v", text, entry.Found, found)
		}
		if allowed := []bool{true, false, true, true, true}[i]; entry.Reply[0] >= 0 != allowed {
			t.Errorf("entry %q: %v, want a reply that says %v", text, entry.Reply, allowed)
		}
	}
}

// TestErrorsAreNoEntries: a script that fails writes nothing, and no entry either.
func TestErrorsAreNoEntries(t *testing.T) {
	server, conn := resptest.Miniredis(t)
	if err := server.Set("weir:{k}:gcra:2/1h", "no time at all"); err != nil {
		t.Fatal(err)
	}
	l, err := gcra.New(journal.New(conn), algorithms.PerHour(2))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := l.Allow(journal.WithMark(t.Context(), &journal.Mark{Entry: journal.Entry{Call: 1}}), "k"); err == nil {
		t.Errorf("%+v of a key without a time", r)
	}
	if keys := server.Keys(); !slices.Equal(keys, []string{"weir:{k}:gcra:2/1h"}) {
		t.Errorf("keys %q", keys)
	}
	if r, err := l.Allow(t.Context(), "k"); err == nil {
		t.Errorf("%+v of a call without a mark", r)
	}
}

func TestParse(t *testing.T) {
	entry, err := journal.Parse("7 1795363671000000 1 1 -1 2")
	if err != nil || entry.Call != 7 || entry.Now != 1795363671000000 || !entry.Found || !slices.Equal(entry.Reply, []int64{1, -1, 2}) {
		t.Errorf("%+v, %v", entry, err)
	}
	for _, wrong := range []string{"", "1 2 1", "1 2 1 x", "1.5 2 1 1"} {
		if entry, err := journal.Parse(wrong); err == nil {
			t.Errorf("%q: %+v", wrong, entry)
		}
	}
}

// TestFirst: for a script of two keys, the entry says whether the first key existed before.
func TestFirst(t *testing.T) {
	server, conn := resptest.Miniredis(t)
	run, script := journal.New(conn), scripts.New("two keys", "return {#KEYS}")
	for _, c := range []struct {
		there        []string
		found, first bool
	}{{nil, false, false}, {[]string{"b"}, true, false}, {[]string{"a", "b"}, true, true}, {[]string{"a"}, true, true}} {
		server.FlushAll()
		for _, key := range c.there {
			if err := server.Set(key, "1"); err != nil {
				t.Fatal(err)
			}
		}
		var mark journal.Mark
		if _, err := run.Run(journal.WithMark(t.Context(), &mark), script, []string{"a", "b"}, nil); err != nil {
			t.Fatal(err)
		}
		texts, err := server.List(journal.KeyOf("a"))
		if err != nil {
			t.Fatal(err)
		}
		entry, err := journal.Parse(texts[0])
		if err != nil || entry.Found != c.found || entry.First != c.first || mark.Found != c.found || mark.First != c.first {
			t.Errorf("%q there: mark %+v, entry %q, %v", c.there, mark, texts, err)
		}
	}
}
