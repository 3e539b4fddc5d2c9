package scripts

import (
	_ "embed"
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
	batch, _ := batches.LoadOrStore(s, New(s.name+", many", before+text+"\n"+after))
	return batch.(*Script)
}

// together returns the keys and arguments of a batch: for those that follow one another with the same arguments
// how many requests, keys of each and arguments they are, and the arguments once.
func together(batch []*waiter) (keys, args []string) {
	for len(batch) > 0 {
		first, n := batch[0], 0
		for n < len(batch) && len(batch[n].keys) == len(first.keys) && slices.Equal(batch[n].args, first.args) {
			keys = append(keys, batch[n].keys...)
			n++
		}
		args = append(args, strconv.Itoa(n), strconv.Itoa(len(first.keys)), strconv.Itoa(len(first.args)))
		args = append(args, first.args...)
		batch = batch[n:]
	}
	return keys, args
}

// next takes the next reply from those of a batch: behind how many integers they are, or -1 for an error.
func next(flat []int64) (reply, rest []int64, ok bool) {
	if len(flat) == 0 || flat[0] < 0 || flat[0] > int64(len(flat)-1) {
		return nil, flat[min(1, len(flat)):], false
	}
	end := 1 + flat[0]
	return flat[1:end:end], flat[end:], true
}
