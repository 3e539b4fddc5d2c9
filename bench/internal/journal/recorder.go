// Package journal makes the server itself record every script that it runs, in the same atomic step as the decision, with
// the server's time and in the server's order. So a decision is recorded even if its reply is lost. If the server loses a
// decision, it also loses the record.
package journal

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/go-weir/weir/scripts"
)

// A Mark holds the entry of a call for its caller. The caller sets Call before the call. The recorder sets the other fields
// when it has the reply.
type Mark struct{ Entry }

type markKey struct{}

// WithMark returns a context for one call of a [Recorder]. The call has the number in mark, and the recorder fills in mark.
func WithMark(ctx context.Context, mark *Mark) context.Context {
	return context.WithValue(ctx, markKey{}, mark)
}

// MarkOf returns the mark of a call's context, or nil if it has none.
func MarkOf(ctx context.Context) *Mark {
	mark, _ := ctx.Value(markKey{}).(*Mark)
	return mark
}

// A Recorder is a runner whose scripts record themselves. Each script runs the unchanged text of the original script inside
// a function.
type Recorder struct {
	run      scripts.Runner
	recorded sync.Map // *scripts.Script → *scripts.Script
}

// New returns a recorder over run.
func New(run scripts.Runner) *Recorder { return &Recorder{run: run} }

// KeyOf returns the key of the journal for a limiter's key. Both keys are in the same cluster slot.
func KeyOf(key string) string { return key + Suffix }

// Suffix follows the limiter's key in the key of a journal.
const Suffix = ":journal"

// Run implements scripts.Runner. The context must be from [WithMark].
func (r *Recorder) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	mark := MarkOf(ctx)
	if mark == nil {
		return nil, errors.New("journal: the call has no mark")
	}
	keys = append(keys[:len(keys):len(keys)], KeyOf(keys[0]))
	args = append(args[:len(args):len(args)], strconv.FormatInt(mark.Call, 10))
	reply, err := r.run.Run(ctx, r.script(s), keys, args)
	if err != nil {
		return nil, err
	}
	own := len(reply) - 2
	if own < 1 {
		return nil, fmt.Errorf("journal: a reply of %d integers", len(reply))
	}
	mark.Reply, mark.Now, mark.Found, mark.First = reply[:own], reply[own], reply[own+1] != 0, reply[own+1] > 0
	return mark.Reply, nil
}

// Unwrap returns the underlying runner, so that callers can find out where keys are. The journal is where the first key is.
func (r *Recorder) Unwrap() scripts.Runner { return r.run }

//go:embed record.lua
var frame string

// script returns a version of s that records itself. If s has a version for many requests, so does the result.
func (r *Recorder) script(s *scripts.Script) *scripts.Script {
	if recorded, ok := r.recorded.Load(s); ok {
		return recorded.(*scripts.Script)
	}
	_, text, _ := strings.Cut(frame, "-- [before]\n")
	before, after, _ := strings.Cut(text, "-- [after]\n")
	recorded := scripts.New("recorded "+s.Name(), before+s.Source()+"\n"+after)
	if many := s.Many(); many != nil {
		// All requests have the same time. Except for the sliding log, the script writes its keys only at the end. So the
		// values that it holds say whether a key exists, instead of EXISTS.
		const head, tail = "local function decide(KEYS, ARGV)\n", "\nend\n\n-- [requests]"
		outer, rest, _ := strings.Cut(many.Source(), head)
		body, rest, _ := strings.Cut(rest, tail)
		after := strings.ReplaceAll(after, "redis.call('TIME')", "read_clock()")
		if s != scripts.SlidingLog {
			before = strings.Replace(before, "server.call('EXISTS', unpack(keys))", "get(KEYS[1]) and 1 or 0", 1)
		}
		recorded.WithMany(scripts.New("recorded "+many.Name(), outer+head+before+body+"\n"+after+tail+rest))
	}
	kept, _ := r.recorded.LoadOrStore(s, recorded)
	return kept.(*scripts.Script)
}
