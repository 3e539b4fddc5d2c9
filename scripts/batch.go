package scripts

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// batchFrame is what stands around a script's text in a batch.
//
//go:embed internal/batch.lua
var batchFrame string

// batches are the scripts that decide on many requests, by the script that decides on one.
var batches sync.Map // *Script → *Script

// batchOf returns the script that runs s for many requests.
func batchOf(s *Script) *Script {
	if batch, ok := batches.Load(s); ok {
		return batch.(*Script)
	}
	before, after, _ := strings.Cut(batchFrame, "-- [script]\n")
	_, before, _ = strings.Cut(before, "-- [before]\n")
	text := strings.ReplaceAll(s.source, "redis.call('TIME')", "clock()")
	if s.oneString {
		text = strings.ReplaceAll(text, "redis.call('GET', KEYS[1])", "get(KEYS[1])")
		text = strings.ReplaceAll(text, "redis.call('SET', KEYS[1], ", "set(KEYS[1], ")
	}
	batch, _ := batches.LoadOrStore(s, New(s.name+", many", before+text+"\n"+after))
	return batch.(*Script)
}

// callOf returns the call that is made for a part of a batch.
func callOf(part []*waiter) Call {
	if len(part) == 1 {
		return Call{Script: part[0].script, Keys: part[0].keys, Args: part[0].args}
	}
	keys, args := together(part)
	return Call{Script: batchOf(part[0].script), Keys: keys, Args: args}
}

// same says whether two calls of one script are for the same keys with the same arguments.
func (w *waiter) same(other *waiter) bool {
	return slices.Equal(w.keys, other.keys) && slices.Equal(w.args, other.args)
}

// together returns the keys and arguments of a batch. Equal requests that follow one another are one tuple of
// keys, and such tuples that follow one another one group, where they have the same arguments and are of
// equally many requests.
func together(batch []*waiter) (keys, args []string) {
	var last *waiter         // of the group
	tuples, repeated := 0, 0 // its tuples, and how many requests each is of
	header := 0              // where in args it begins
	for len(batch) > 0 {
		first, n := batch[0], 1
		for n < len(batch) && batch[n].same(first) {
			n++
		}
		if last == nil || n != repeated || len(first.keys) != len(last.keys) || !slices.Equal(first.args, last.args) {
			header, last, tuples, repeated = len(args), first, 0, n
			args = append(args, "", strconv.Itoa(n), strconv.Itoa(len(first.keys)), strconv.Itoa(len(first.args)))
			args = append(args, first.args...)
		}
		tuples++
		args[header] = strconv.Itoa(tuples)
		keys = append(keys, first.keys...)
		batch = batch[n:]
	}
	return keys, args
}

// replies are those of a batch that have not been handed out.
type replies struct {
	flat []int64
	each bool // each is one integer; else how many it is of stands before it, -1 for an error
}

func repliesOf(flat []int64) replies {
	if len(flat) == 0 {
		return replies{}
	}
	return replies{flat[1:], flat[0] == 1}
}

// errFailed is what next returns for a request that failed.
var errFailed = errors.New("weir: the request failed")

// next takes the next request's reply. Its other error is that of a reply that no batch has.
func (r *replies) next() ([]int64, error) {
	n := int64(1)
	if !r.each && len(r.flat) > 0 {
		n, r.flat = r.flat[0], r.flat[1:]
		if n == -1 {
			return nil, errFailed
		}
	}
	if n < 0 || n > int64(len(r.flat)) {
		return nil, fmt.Errorf("%w: not one for each of the calls that were sent together", ErrReply)
	}
	reply := r.flat[:n:n]
	r.flat = r.flat[n:]
	return reply, nil
}
