package coalesce

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-weir/weir/scripts"
)

// callOf returns the call that is made for a part of a batch.
func callOf(part []*waiter) scripts.Call {
	if len(part) == 1 {
		return scripts.Call{Script: part[0].script, Keys: part[0].keys, Args: part[0].args}
	}
	keys, args := together(part)
	return scripts.Call{Script: part[0].script.Many(), Keys: keys, Args: args}
}

// same says whether two calls of one script are for the same keys with the same arguments.
func (w *waiter) same(other *waiter) bool {
	return slices.Equal(w.keys, other.keys) && slices.Equal(w.args, other.args)
}

// together returns the keys and arguments of a batch. Equal requests that follow one another share their keys. Different ones
// that follow one another are a group if they have the same arguments, equally many keys, and are made equally often.
func together(batch []*waiter) (keys, args []string) {
	var last *waiter       // of the group
	size, repeated := 0, 0 // the group's different requests, and how often each is made
	header := 0            // where in args it begins
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
		return nil, fmt.Errorf("%w: not one for each of the calls that were sent together", scripts.ErrReply)
	}
	reply := r.flat[:n:n]
	r.flat = r.flat[n:]
	return reply, nil
}
