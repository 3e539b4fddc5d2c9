package load_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/journal"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/scripts"
)

func TestMain(m *testing.M) {
	load.Main(map[string]load.Middleware{
		"recorder": func(run scripts.Runner) scripts.Runner { return journal.New(run) },
	})
	m.Run()
}

// jobs returns a job for each client, with unusual keys, costs, Peeks and Resets.
func jobs(addr string) []load.Job {
	job := load.Job{
		Place: load.Place{Addrs: []string{addr}, Patience: time.Minute}, Through: []string{"recorder"}, Prefix: "p",
		Asked:    []load.Asked{{Kind: "gcra", Limit: algorithms.PerHour(7)}, {Kind: "queue", Limit: algorithms.PerHour(7)}},
		Keys:     []string{"\xff", "}x"},
		MostCost: 3, Peeks: 0.2, Resets: 0.1, Goroutines: 3, Calls: 40, Timeout: time.Minute,
	}
	all := []load.Job{job, job}
	all[0].Client, all[1].Client, all[1].Worker = load.GoRedis, load.Rueidis, 1
	return all
}

func start(t *testing.T, jobs []load.Job) *load.Crew {
	t.Helper()
	crew, err := load.Start(jobs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(crew.Dismiss)
	if err := crew.Begin(); err != nil {
		t.Fatal(err)
	}
	return crew
}

// TestCrew: two processes report each of their calls once, with a unique number and with its entry in the server's journal.
func TestCrew(t *testing.T) {
	server := miniredis.RunT(t)
	calls, err := start(t, jobs(server.Addr())).Calls()
	if err != nil {
		t.Fatal(err)
	}
	seen, ops, perWorker := map[int64]bool{}, map[subject.Op]int{}, map[int64]int{}
	for _, call := range calls {
		if call.Err != "" || call.Now == 0 || len(call.Reply) == 0 || call.Ended < call.Began || call.Cost < 1 || call.Cost > 3 {
			t.Fatalf("%+v", call)
		}
		if seen[call.Entry.Call] {
			t.Errorf("two calls have the number %d", call.Entry.Call)
		}
		seen[call.Entry.Call] = true
		ops[call.Op]++
		perWorker[call.Entry.Call/load.CallsEach]++
	}
	if len(ops) != 3 || perWorker[0] != 120 || perWorker[1] != 120 {
		t.Errorf("ops %v, calls of each worker %v", ops, perWorker)
	}
	entries := 0
	for _, key := range []string{"p:{\xff}:gcra:7/1h", "p:-{-}x}:gcra:7/1h", "p:{\xff}:leakybucket-queue:7/1h", "p:-{-}x}:leakybucket-queue:7/1h"} {
		list, err := server.List(journal.KeyOf(key))
		if err != nil {
			t.Errorf("%q: %v", key, err)
		}
		entries += len(list)
	}
	if entries != len(calls) {
		t.Errorf("%d entries of %d calls", entries, len(calls))
	}
}

// TestStop: workers with no limit on the number of their calls end when they are stopped.
func TestStop(t *testing.T) {
	server := miniredis.RunT(t)
	endless := jobs(server.Addr())
	for i := range endless {
		endless[i].Calls = 0
	}
	crew := start(t, endless)
	crew.Stop()
	if calls, err := crew.Calls(); err != nil {
		t.Errorf("%d calls, %v", len(calls), err)
	}
}

// TestEnough: workers with More go on after their calls until there are enough, and make their calls even if there are enough before.
func TestEnough(t *testing.T) {
	server := miniredis.RunT(t)
	few := jobs(server.Addr())
	for i := range few {
		few[i].Calls, few[i].More = 1, true
	}
	crew := start(t, few)
	ended := make(chan struct{})
	var calls []load.Call
	var err error
	go func() {
		defer close(ended)
		calls, err = crew.Calls()
	}()
	for server.CommandCount() < 1000 {
		select {
		case <-ended:
			t.Fatalf("the workers have ended after %d calls, %v", len(calls), err)
		case <-time.After(time.Millisecond):
		}
	}
	crew.Enough()
	if <-ended; err != nil || len(calls) <= 6 {
		t.Errorf("%d calls, %v", len(calls), err)
	}

	few = jobs(server.Addr())
	few[0].More, few[1].More = true, true
	crew = start(t, few)
	crew.Enough()
	if calls, err := crew.Calls(); err != nil || len(calls) < 240 {
		t.Errorf("%d calls, %v", len(calls), err)
	}
}

// TestConnect: clients connect to a server that doesn't answer in time at first.
func TestConnect(t *testing.T) {
	server := miniredis.RunT(t)
	for _, client := range []string{load.GoRedis, load.Rueidis} {
		t.Run(client, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				for n := 0; ; n++ {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go forward(conn, server.Addr(), n < 10)
				}
			}()
			place := load.Place{Addrs: []string{listener.Addr().String()}, Patience: 100 * time.Millisecond}
			_, closeClient, err := place.Connect(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			closeClient()
		})
	}
}

// forward connects a client to a server until the client closes the connection. If silent is set, it reads from conn and never answers.
func forward(conn net.Conn, addr string, silent bool) {
	defer func() { _ = conn.Close() }()
	if silent {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() { _, _ = io.Copy(conn, server) }()
	_, _ = io.Copy(server, conn)
}

// TestErrors: a call that fails is reported with its error.
func TestErrors(t *testing.T) {
	server := miniredis.RunT(t)
	crew, err := load.Start(jobs(server.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(crew.Dismiss)
	server.SetError("SOMEHOW nothing goes")
	if err := crew.Begin(); err != nil {
		t.Fatal(err)
	}
	calls, err := crew.Calls()
	if err != nil || len(calls) != 240 {
		t.Fatalf("%d calls, %v", len(calls), err)
	}
	for _, call := range calls {
		if !strings.Contains(call.Err, "SOMEHOW nothing goes") || call.Answer != (subject.Answer{}) {
			t.Fatalf("%+v", call)
		}
	}
}

// TestWrongJobs: for a job that can't be done, Start returns an error that says why.
func TestWrongJobs(t *testing.T) {
	server := miniredis.RunT(t)
	for name, wrong := range map[string]struct {
		change func(*load.Job)
		says   string
	}{
		"no server":     {func(j *load.Job) { j.Place.Addrs = []string{"127.0.0.1:1"} }, "refused"},
		"no client":     {func(j *load.Job) { j.Client = "telnet" }, `no client "telnet"`},
		"no middleware": {func(j *load.Job) { j.Through = []string{"magic"} }, `no middleware "magic"`},
		"no kind":       {func(j *load.Job) { j.Asked[0].Kind = "dice" }, `no kind "dice"`},
		"no keys":       {func(j *load.Job) { j.Keys = nil }, "for 0 keys"},
		"no limit":      {func(j *load.Job) { j.Asked[0].Limit = algorithms.Limit{} }, "invalid limit"},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobs(server.Addr())[0]
			wrong.change(&job)
			crew, err := load.Start([]load.Job{job})
			if err == nil || !strings.Contains(err.Error(), wrong.says) {
				t.Errorf("crew %v, error %v, want one that says %q", crew, err, wrong.says)
			}
		})
	}
}
