package verify

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// placed is a connection whose server is known to hold all keys.
type placed struct{ *resptest.Conn }

func (*placed) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

// record makes a true history: a limiter on an embedded server gets calls one after the other, at random intervals. Before
// the call with the number forgetful, the server loses all data. With -1 it never does.
func record(t *testing.T, kind subject.Kind, calls, forgetful int) History {
	t.Helper()
	return recordLosing(t, kind, calls, forgetful, (*miniredis.Miniredis).FlushAll)
}

// recordLosing is like record, but the server loses only what lose removes.
func recordLosing(t *testing.T, kind subject.Kind, calls, forgetful int, lose func(*miniredis.Miniredis)) History {
	t.Helper()
	server, conn := resptest.Miniredis(t)
	l, err := kind.New(journal.New(&placed{conn}), limit, algorithms.WithPrefix("p"))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	h := History{Kind: kind, Limit: limit, Key: "k"}
	clock := limitertest.NewClock(time.UnixMicro(1_795_363_671_000_000))
	for i := range calls {
		call := load.Call{Op: subject.Allow, Cost: 1}
		call.Entry.Call = int64(i)
		switch {
		case i%97 == 96:
			call.Op = subject.Reset
		case i%10 == 9 && kind.Costs:
			call.Op, call.Cost = subject.Peek, 1+random.Int64N(3)
		case i%5 == 3 && kind.Costs && kind.Parts == nil:
			call.Op, call.Cost = subject.AtMost, 1+random.Int64N(9)
		case kind.Costs:
			call.Cost = 1 + random.Int64N(3)
		}
		if i == forgetful {
			lose(server)
		}
		moved := time.Duration(random.IntN(25_000)) * time.Microsecond
		clock.Advance(moved)
		server.SetTime(clock.Now())
		server.FastForward(moved)
		call.Answer, err = l.Ask(journal.WithMark(context.Background(), &call.Mark), "k", call.Op, call.Cost)
		if err != nil {
			t.Fatal(err)
		}
		call.Ended = time.Duration(call.Now) * time.Microsecond
		h.Calls = append(h.Calls, call)
	}
	h.Entries = entries(t, server, kind, limit)
	return h
}

// entries returns the journal of the key "k" under the prefix "p".
func entries(t *testing.T, server *miniredis.Miniredis, kind subject.Kind, limit algorithms.Limit) (all []journal.Entry) {
	t.Helper()
	key, err := kind.Key(limit, "p", "k")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := server.List(journal.KeyOf(key))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		entry, err := journal.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry)
	}
	return all
}
