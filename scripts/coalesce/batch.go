package coalesce

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-weir/weir/scripts"
)

// callOf returns the call for a part of a batch.
func callOf(part []*waiter) scripts.Call {
	if len(part) == 1 {
		return scripts.Call{Script: part[0].script, Keys: part[0].keys, Args: part[0].args}
	}
	keys, args := together(part)
	return scripts.Call{Script: part[0].script.Many(), Keys: keys, Args: args}
}

// same reports whether two calls of one script have the same keys and the same arguments.
func (w *waiter) same(other *waiter) bool {
	return slices.Equal(w.keys, other.keys) && slices.Equal(w.args, other.args)
}

// together returns the keys and arguments of one call for a batch. Equal requests that follow one another share their keys.
// Different requests that follow one another form a group if they have the same arguments and equally many keys, and each is made
// equally often.
func together(batch []*waiter) (keys, args []string) {
	var last *waiter       // of the present group
	size, repeated := 0, 0 // the group's different requests, and how often each is made
	header := 0            // index in args at which the group begins
	for len(batch) > 0 {
		first, n := batch[0], 1
		for n < len(batch) && batch[n].same(first) {
			n++
		}
		if last == nil || n != repeated || len(first.keys) != len(last.keys) || !slices.Equal(first.args, last.args) {
			header, last, size, repeated = len(args), first, 0, n
			args = append(args, "", strconv.Itoa(n), strconv.Itoa(len(first.keys)), strconv.Itoa(len(first.args)))
			args = append(args, first.args...)
		}
		size++
		args[header] = strconv.Itoa(size)
		keys = append(keys, first.keys...)
		batch = batch[n:]
	}
	return keys, args
}

// replies are the replies in a batch's reply that have not been read yet.
type replies struct {
	flat []int64
	each bool // each reply is one integer; otherwise its length stands before it, or -1 for an error
}

func repliesOf(flat []int64) replies {
	if len(flat) == 0 {
		return replies{}
	}
	return replies{flat[1:], flat[0] == 1}
}

// errFailed is what next returns for a request that failed.
var errFailed = errors.New("weir: the request failed")

// next returns the next request's reply. Its error is errFailed, or wraps scripts.ErrReply if the reply has a wrong form.
func (r *replies) next() ([]int64, error) {
	n := int64(1)
	if !r.each && len(r.flat) > 0 {
		n, r.flat = r.flat[0], r.flat[1:]
		if n == -1 {
			return nil, errFailed
		}
	}
	if n < 0 || n > int64(len(r.flat)) {
		return nil, fmt.Errorf("%w: it has not one reply for each of the calls that were sent together", scripts.ErrReply)
	}
	reply := r.flat[:n:n]
	r.flat = r.flat[n:]
	return reply, nil
}
