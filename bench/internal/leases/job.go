// Package leases acquires, renews and releases leases of package inflight in many processes, kills some of the processes at
// random, and compares the server's records with the definition.
package leases

import (
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
)

// A Plan is a number of leases and their time to live. All plans of a job share the leases of a key.
type Plan struct {
	Most int64
	TTL  time.Duration
}

// A Job is the work of one process until it is stopped or killed.
type Job struct {
	Place      load.Place
	Client     string // load.GoRedis or load.Rueidis
	Coalesced  bool   // calls go through package coalesce
	Wrong      bool   // check and acquire in two steps, as wrong limiters do
	Prefix     string
	Keys       []string
	Plans      []Plan // 4 at most
	Goroutines int
	Worker     int64 // the worker's unique number, from 1
}

// An Op is a method of inflight.Limiter.
type Op int64

// The Ops.
const (
	Acquire Op = iota
	Renew
	Release
	Peek
)

// A call's number contains the lease, how many calls were made for it before, the Op, and the index of the plan. So the
// journal is the whole history, even of processes that were killed.
const (
	mostCalls  = 1 << 8  // of a lease
	mostLeases = 1 << 24 // of a worker
)

func number(lease, call int64, op Op, plan int) int64 {
	return ((lease*mostCalls+call)*4+int64(op))*4 + int64(plan)
}

// what returns the lease, the Op and the plan in a call's number.
func what(number int64) (lease int64, op Op, plan int) {
	return number / 16 / mostCalls, Op(number / 4 % 4), int(number % 4)
}

// A Call is one call of a method, with its result.
type Call struct {
	journal.Mark
	Key    int // the index in Job.Keys
	Result algorithms.Result
	Held   bool   // whether a Renew found that the lease was held
	Err    string // the error that the caller got, unless it was ErrNotHeld
}

// limiters returns a limiter for each plan.
func (j Job) limiters(run scripts.Runner) ([]*inflight.Remote, error) {
	limiters := make([]*inflight.Remote, len(j.Plans))
	for i, plan := range j.Plans {
		var err error
		if limiters[i], err = inflight.New(run, plan.Most, plan.TTL, algorithms.WithPrefix(j.Prefix)); err != nil {
			return nil, err
		}
	}
	return limiters, nil
}
