package leases

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/reexec"
	"github.com/go-weir/weir/inflight"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

const workerEnv = reexec.Env("WEIR_LEASEHOLDER")

// Main does the job of a worker and ends the process, if the process is a worker. Otherwise it returns.
func Main() { workerEnv.Main(work) }

// ready is what a worker writes once it has connected, before its report.
const ready = "\n"

// work makes calls until the input ends, and then reports them.
func work(input io.Reader, out io.Writer) error {
	in := bufio.NewReader(input)
	var job Job
	if err := gob.NewDecoder(in).Decode(&job); err != nil {
		return err
	}
	run, closeClient, err := job.Place.Connect(context.Background(), job.Client)
	if err != nil {
		return err
	}
	defer closeClient()
	plain := run
	if job.Coalesced {
		if run, err = coalesce.New(run); err != nil {
			return err
		}
	}
	run = &lossy{Runner: journal.New(run)}
	if job.Wrong {
		run = twoSteps{run, plain}
	}
	limiters, err := job.limiters(run)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, ready); err != nil {
		return err
	}
	stopped, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = in.ReadByte()
		stop()
	}()
	holders := make([]*holder, job.Goroutines)
	var all sync.WaitGroup
	var leases atomic.Int64
	for i := range holders {
		holders[i] = &holder{job: job, limiters: limiters, leases: &leases, random: rand.New(rand.NewPCG(uint64(job.Worker), uint64(i)))} //nolint:gosec // the same again for the same holder
		all.Go(func() { holders[i].run(stopped) })
	}
	all.Wait()
	var calls []Call
	for _, h := range holders {
		calls = append(calls, h.calls...)
	}
	buffered := bufio.NewWriter(out)
	if err := gob.NewEncoder(buffered).Encode(calls); err != nil {
		return err
	}
	return buffered.Flush()
}

// A holder acquires one lease after the other.
type holder struct {
	job      Job
	limiters []*inflight.Remote
	leases   *atomic.Int64 // how many leases the process has tried to acquire
	random   *rand.Rand
	calls    []Call

	lease int64 // the number of the current lease
	made  int64 // the number of calls for it
	key   int
	plan  int
}

func (h *holder) run(stopped context.Context) {
	for stopped.Err() == nil {
		h.lease = h.job.Worker*mostLeases + h.leases.Add(1)
		h.made, h.key, h.plan = 0, h.random.IntN(len(h.job.Keys)), h.random.IntN(len(h.job.Plans))
		if h.random.IntN(8) == 0 {
			h.call(Peek)
		}
		if got := h.call(Acquire); got.Result.Allowed && got.Err == "" {
			h.hold()
		} else {
			h.pause(min(max(got.Result.RetryAfter, time.Millisecond), 20*time.Millisecond))
		}
	}
}

// hold uses a lease in one of several ways, at random.
func (h *holder) hold() {
	ttl := h.job.Plans[h.plan].TTL
	switch h.random.IntN(8) {
	case 0: // it is held for a long time
		for range 4 {
			h.pause(ttl / 2)
			h.call(Renew)
		}
		h.call(Release)
	case 1: // it is acquired and released several times
		h.call(Acquire)
		h.pause(ttl / 2)
		h.call(Acquire)
		h.call(Release)
		h.call(Release)
	case 2: // it may expire, as the holder is slow
		h.pause(2 * ttl)
		h.call(Renew)
		h.call(Release)
	case 3: // it is abandoned
		h.pause(ttl / 4)
	case 4: // it is renewed after its release
		h.call(Release)
		h.call(Renew)
	default:
		h.pause(ttl / 4)
		h.call(Release)
	}
}

// pause sleeps for up to d.
func (h *holder) pause(d time.Duration) { time.Sleep(time.Duration(h.random.Int64N(int64(d)))) }

// call makes a call, and repeats it up to three times if it fails.
func (h *holder) call(op Op) (call Call) {
	for range 4 {
		call = h.once(op)
		h.calls = append(h.calls, call)
		if call.Err == "" {
			break
		}
	}
	return call
}

func (h *holder) once(op Op) (call Call) {
	call.Entry.Call, call.Key = number(h.lease, h.made, op, h.plan), h.key
	h.made++
	ctx, cancel := context.WithTimeout(journal.WithMark(context.Background(), &call.Mark), 5*time.Second)
	defer cancel()
	limiter, key, id := h.limiters[h.plan], h.job.Keys[h.key], strconv.FormatInt(h.lease, 10)
	var err error
	switch op {
	case Acquire:
		call.Result, err = limiter.Acquire(ctx, key, id)
	case Renew:
		err = limiter.Renew(ctx, key, id)
		if call.Held = err == nil; errors.Is(err, inflight.ErrNotHeld) {
			err = nil
		}
	case Release:
		err = limiter.Release(ctx, key, id)
	case Peek:
		call.Result, err = limiter.Peek(ctx, key)
	}
	if err != nil {
		call.Err = err.Error()
	}
	return call
}

// lossy loses every 10th reply, after the server has run the script.
type lossy struct {
	scripts.Runner
	calls atomic.Int64
}

func (l *lossy) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	reply, err := l.Runner.Run(ctx, s, keys, args)
	if err == nil && l.calls.Add(1)%10 == 0 {
		return nil, errors.New("the reply was lost")
	}
	return reply, err
}

// twoSteps is a wrong limiter: it checks whether a lease is free, and then acquires one in a second step.
type twoSteps struct {
	scripts.Runner
	plain scripts.Runner
}

func (w twoSteps) Run(ctx context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	if s == scripts.InflightAcquire {
		standing, err := w.plain.Run(ctx, scripts.InflightPeek, keys, args[1:2])
		if err != nil {
			return nil, err
		}
		if standing[0] >= 0 {
			args = []string{args[0], "1048576", args[2]}
		}
	}
	return w.Runner.Run(ctx, s, keys, args)
}
