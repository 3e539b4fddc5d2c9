package conformance_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-weir/weir/scripts"
)

// A refusal is an answer by which a server refuses decisions, and the way to make a real server give it.
type refusal struct {
	name  string
	codes []string // the beginnings of the answer, by server or client
	reads bool     // calls that write nothing are answered nevertheless: Peek, and denials
	since int      // the first major version of servers that refuse in this way

	// begin makes the server refuse; end makes it answer as before.
	begin func(t *testing.T, own ownServer) (end func())
}

// testRefusals: for each refusal, the caller gets the client's own error from both clients, and nothing is charged or partly
// written.
func testRefusals(t *testing.T, own ownServer) {
	for _, r := range slices.Concat(writeRefusals, busyRefusals, permissionRefusals) {
		if own.Kind.OlderThan(r.since) {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			eachClient(t, own.addr, func(t *testing.T, run scripts.Runner) { r.test(t, own, run) })
		})
	}
}

func (r refusal) test(t *testing.T, own ownServer, run scripts.Runner) {
	prefix := "answers-" + strings.ReplaceAll(t.Name(), " ", "-")
	all := askers(t, run, prefix)
	left := map[string]int64{}
	for _, a := range all {
		left[a.name] = a.ask(t)
		a.fill(t)
	}
	before := own.stored(t, prefix)

	end := r.begin(t, own)
	var asked sync.WaitGroup
	for _, a := range all {
		asked.Go(func() { a.isRefused(t, r, left[a.name]) })
	}
	asked.Wait()
	end()

	if after := own.stored(t, prefix); !maps.Equal(before, after) {
		t.Errorf("before %s and after:\n%q\n%q", r.name, before, after)
	}
	for _, a := range all {
		if now := a.ask(t); now != left[a.name]-1 {
			t.Errorf("%s: %d left before, and %d when asked next, want one less", a.name, left[a.name], now)
		}
	}
}

// isRefused makes every kind of call while the server refuses, and checks the answers.
func (a asker) isRefused(t *testing.T, r refusal, left int64) {
	t.Helper()
	ctx := soon(t)
	_, err := a.allow(ctx, "k")
	if !r.is(err) || ctx.Err() != nil {
		t.Errorf("%s: %v, want the client's error with %q inside", a.name, err, r.codes)
	}
	if a.peek != nil {
		peeked, err := a.peek(ctx, "k")
		switch {
		case r.reads && (err != nil || peeked != left):
			t.Errorf("%s: Peek says %d are left, %v, want %d", a.name, peeked, err, left)
		case !r.reads && !r.is(err):
			t.Errorf("%s: Peek: %v, want the client's error with %q inside", a.name, err, r.codes)
		}
	}
	got, err := a.allow(ctx, "full")
	switch {
	case r.reads && (err != nil || got != denied):
		t.Errorf("%s, where nothing is left: %d, %v, want it denied", a.name, got, err)
	case !r.reads && !r.is(err):
		t.Errorf("%s, where nothing is left: %v, want the client's error with %q inside", a.name, err, r.codes)
	}
}

// is reports whether the client's own error for this refusal is inside err.
func (r refusal) is(err error) bool {
	return slices.ContainsFunc(r.codes, func(code string) bool { return serverError(err, code) })
}
