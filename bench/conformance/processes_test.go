package conformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/leakybucket"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// workerJob is the environment variable by which this test binary, started again, knows that it is a
// worker, and what for.
const workerJob = "WEIR_WORKER_JOB"

// A job is what one worker process does: goroutines that ask for one key, as often as they can.
type job struct {
	Addr, Prefix, Client string
	Goroutines, Requests int
}

// daily is the limit of these tests: nothing comes back while they run.
var daily = algorithms.PerDay(100)

// TestProcesses has six processes, half of them on each client, ask for one key at once: together
// they are admitted the limit, exactly, by every algorithm on every server.
func TestProcesses(t *testing.T) {
	const processes = 6
	eachRealServer(t, func(t *testing.T, addr string) {
		_, prefix := fresh(t, addr)
		var workers []*worker
		for i := range processes {
			client := []string{"goredis", "rueidis"}[i%2]
			workers = append(workers, startWorker(t, job{addr, prefix, client, 8, 40}))
		}
		for _, w := range workers { // connected, all of them: only now they begin
			w.begin(t)
		}
		admitted := map[string]int64{}
		for _, w := range workers {
			for name, n := range w.counts(t) {
				admitted[name] += n
			}
		}
		want := map[string]int64{"fixedwindow": 100, "slidinglog": 100, "gcra": 100, "leakybucket": 100, "queue": 101}
		for name, n := range want {
			if admitted[name] != n {
				t.Errorf("%s: %d processes were admitted %d, want %d", name, processes, admitted[name], n)
			}
		}
	})
}

// A worker is this test binary, running a job.
type worker struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
}

func startWorker(t *testing.T, j job) *worker {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), workerJob+"="+string(text))
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() }) // a worker that was never begun ends with its input
	w := &worker{command, stdin, bufio.NewReader(stdout)}
	if line, err := w.stdout.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("a worker says %q, %v", line, err)
	}
	return w
}

// begin lets the worker ask.
func (w *worker) begin(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(w.stdin, "begin\n"); err != nil {
		t.Fatal(err)
	}
}

// counts waits for the worker's end and returns what it was admitted, by algorithm.
func (w *worker) counts(t *testing.T) (counts map[string]int64) {
	t.Helper()
	if err := json.NewDecoder(w.stdout).Decode(&counts); err != nil {
		t.Fatal(err)
	}
	if err := w.command.Wait(); err != nil {
		t.Fatal(err)
	}
	return counts
}

// work is a worker's main: it says "ready", waits for a line, asks, and writes its counts.
func work(text string) (exit int) {
	counts, err := func() (map[string]int64, error) {
		var j job
		if err := json.Unmarshal([]byte(text), &j); err != nil {
			return nil, err
		}
		run, err := j.runner()
		if err != nil {
			return nil, err
		}
		ask, err := j.askers(run)
		if err != nil {
			return nil, err
		}
		fmt.Println("ready")
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return nil, err
		}
		return j.do(ask)
	}()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(counts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 1
	}
	return 0
}

// runner returns a connected runner over the job's client.
func (j job) runner() (scripts.Runner, error) {
	if j.Client == "rueidis" {
		client, err := rueidis.NewClient(rueidisOptions(j.Addr))
		return rueidisrunner.New(client), err
	}
	client := redis.NewClient(&redis.Options{Addr: j.Addr})
	return goredisrunner.New(client), client.Ping(context.Background()).Err()
}

// askers returns how each algorithm is asked for one event.
func (j job) askers(run scripts.Runner) (map[string]func(context.Context) (bool, error), error) {
	askers := map[string]func(context.Context) (bool, error){}
	for _, a := range all {
		if a.name == "fixedwindow-aligned" {
			continue // a day may end while this runs
		}
		l, err := a.Over(run)(daily, algorithms.WithPrefix(j.Prefix))
		if err != nil {
			return nil, err
		}
		askers[a.name] = func(ctx context.Context) (bool, error) {
			r, err := l.Allow(ctx, "one key")
			return r.Allowed, err
		}
	}
	queue, err := leakybucket.NewQueue(run, daily, algorithms.WithPrefix(j.Prefix))
	askers["queue"] = func(ctx context.Context) (bool, error) {
		slot, err := queue.Schedule(ctx, "one key")
		return slot.Accepted, err
	}
	return askers, err
}

// do asks, all algorithms at once, and returns how often each said yes.
func (j job) do(askers map[string]func(context.Context) (bool, error)) (map[string]int64, error) {
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	counts := map[string]*atomic.Int64{}
	for name, ask := range askers {
		count := &atomic.Int64{}
		counts[name] = count
		for range j.Goroutines {
			all.Go(func() {
				for range j.Requests {
					allowed, err := ask(context.Background())
					if err != nil {
						failed.Store(&err)
						return
					}
					if allowed {
						count.Add(1)
					}
				}
			})
		}
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	sums := map[string]int64{}
	for name, count := range counts {
		sums[name] = count.Load()
	}
	return sums, nil
}
