// Package load calls limiters from many processes at the same time. A program that calls [Main] first can start itself again
// as workers. Each worker does a [Job] and reports every call that it made.
package load

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/subject"
)

// A Job is the work of one worker.
type Job struct {
	Place      Place    // where the server is
	Client     string   // GoRedis or Rueidis
	Coalesced  bool     // calls of many goroutines go through package coalesce
	Cached     bool     // limiters are behind package denialcache
	Beneath    []string // middleware between package coalesce and the client, by the names given to Main
	Through    []string // middleware between limiters and all of that
	Asked      []Asked  // the limiters to call, in turn
	Prefix     string   // of all keys
	Keys       []string // one is chosen at random for each call
	MostCost   int64    // costs are random, from 1 to this; with 0 or 1 all costs are 1
	Peeks      float64  // the share of calls that are Peeks, for limiters that have Peek
	Resets     float64  // the share of calls that are Resets
	Reserves   float64  // the share of calls that reserve or settle, for limiters that can; each goroutine has at most 4 open
	AtMosts    float64  // the share of calls of AllowAtMost, for limiters that have it
	Waits      bool     // whether all other calls wait until they are admitted, for limiters that have costs
	Goroutines int
	Calls      int           // the number of calls of each goroutine; 0 for no limit until Stop
	More       bool          // whether each goroutine goes on after its Calls until Crew.Enough
	Timeout    time.Duration // the timeout of each call; 0 for none
	Pause      time.Duration // the pause between a goroutine's calls
	Worker     int64         // this worker's number, from 0
}

// Asked is a kind of limiter under a limit.
type Asked struct {
	Kind  string
	Limit algorithms.Limit
}

// A Call is one call of a limiter's method, with its result.
type Call struct {
	journal.Mark
	Asked  int // the index in Job.Asked
	Key    int // the index in Job.Keys
	Op     subject.Op
	Cost   int64         // for a Settle, the cost that was used
	Of     int64         // for a Settle, the number of the call that has reserved
	Began  time.Duration // since the Unix epoch, by the machine's clock
	Ended  time.Duration
	Answer subject.Answer
	Err    string // the error that the caller got, if any; Answer is not set then
}

// CallsEach is the number of call numbers that are reserved for a worker.
const CallsEach = 1 << 32

// caller makes the calls of one goroutine.
type caller struct {
	job      Job
	kinds    []subject.Kind
	subjects []subject.Subject
	random   *rand.Rand
	number   int64 // the number of the next call
	turn     int
	open     []open // reservations
}

// open is a reservation that is to be settled.
type open struct {
	of          Call
	reservation *algorithms.Reservation
}

func newCaller(job Job, kinds []subject.Kind, subjects []subject.Subject, goroutine int) *caller {
	first := job.Worker*CallsEach + int64(goroutine)
	random := rand.New(rand.NewPCG(uint64(first), 0x77656972)) //nolint:gosec // the same again for the same caller
	return &caller{job: job, kinds: kinds, subjects: subjects, random: random, number: first, turn: goroutine}
}

// next chooses a call: the limiters in turn, and everything else at random.
func (c *caller) next() Call {
	asked := c.turn % len(c.job.Asked)
	c.turn++
	kind := c.kinds[asked]
	call := Call{Asked: asked, Key: c.random.IntN(len(c.job.Keys)), Cost: 1}
	call.Entry.Call = c.number
	c.number += int64(c.job.Goroutines)
	switch share := c.random.Float64(); {
	case share < c.job.Resets:
		call.Op = subject.Reset
	case share < c.job.Resets+c.job.Peeks && kind.Costs:
		call.Op = subject.Peek
	case share < c.job.Resets+c.job.Peeks+c.job.Reserves && kind.Costs:
		call.Op = subject.Reserve
		if len(c.open) == 4 || len(c.open) > 0 && c.random.IntN(2) == 0 {
			return c.settlement(call)
		}
	case share < c.job.Resets+c.job.Peeks+c.job.Reserves+c.job.AtMosts && kind.Costs && kind.Parts == nil && !c.job.Cached:
		call.Op = subject.AtMost
	case c.job.Waits && kind.Costs:
		call.Op = subject.Wait
	}
	if c.job.MostCost > 1 && call.Op != subject.Reset {
		call.Cost = 1 + c.random.Int64N(min(c.job.MostCost, kind.Capacity(c.job.Asked[asked].Limit)))
	}
	return call
}

// settlement changes call to the settlement of a random open reservation, which it moves to the front of c.open. The settled
// cost is 0, or less or more than the reserved one.
func (c *caller) settlement(call Call) Call {
	first := c.random.IntN(len(c.open))
	c.open[0], c.open[first] = c.open[first], c.open[0]
	of := c.open[0].of
	call.Op, call.Asked, call.Key, call.Of = subject.Settle, of.Asked, of.Key, of.Entry.Call
	call.Cost = c.random.Int64N(2) * c.random.Int64N(of.Cost+1)
	if c.random.IntN(4) == 0 {
		call.Cost = of.Cost + c.random.Int64N(of.Cost+1)
	}
	return call
}

// validate returns an error if the job is invalid.
func (j Job) validate() error {
	if len(j.Asked) == 0 || len(j.Keys) == 0 || j.Goroutines < 1 {
		return fmt.Errorf("load: a job asks %d things for %d keys from %d goroutines", len(j.Asked), len(j.Keys), j.Goroutines)
	}
	return nil
}
