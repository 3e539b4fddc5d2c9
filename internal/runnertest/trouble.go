package runnertest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
)

// LostReplyIsNotResent tests calls whose reply is lost after the script has run. With every client,
// and however the reply is lost, the caller gets an error and the script has run once.
func (s Suite) LostReplyIsNotResent(t *testing.T) {
	for topology, connect := range s.Topologies {
		for _, command := range []string{"evalsha", "eval"} {
			for _, how := range []Loss{Lose, Cut, Hang} {
				if how == Hang && command == "eval" && topology != "single" {
					continue // slow, and it shows no more than evalsha
				}
				t.Run(topology+"/"+command+"/"+string(how), func(t *testing.T) {
					t.Parallel()
					s.lostReply(t, connect, command, how)
				})
			}
		}
	}
}

// lostReply lets the client end a call that hangs. As the client's timeout holds for all its calls, lostReply begins again with
// twice the timeout if another call took longer.
func (s Suite) lostReply(t *testing.T, connect Connect, command string, how Loss) {
	timeout, longest := patience, patience
	if how == Hang {
		timeout, longest = 500*time.Millisecond, 16*time.Second
	}
	for {
		late := s.lostReplyWithin(t, connect, command, how, timeout)
		if late == nil {
			return
		}
		if timeout *= 2; timeout > longest {
			t.Fatal(late)
		}
	}
}

// lostReplyWithin returns an error if the timeout may have ended another call than the one whose reply is lost.
func (s Suite) lostReplyWithin(t *testing.T, connect Connect, command string, how Loss, timeout time.Duration) (late error) {
	w := New(t)
	run, err := tryToConnect(t, connect, w, timeout)
	if err != nil {
		return err
	}
	if _, err := charge(run, "warm"); err != nil {
		return err
	}
	want := []string{"evalsha"}
	if command == "eval" {
		w.FlushScripts(t)
		want = []string{"evalsha", "eval"}
	}
	w.Forget()

	w.Once(command, Fate{Then: how})
	got, err := charge(run, "key")
	if !w.Server.Exists("key") {
		return errors.Join(errors.New("the script has not run"), err)
	}
	if err == nil {
		t.Errorf("Run = %v, want an error", got)
	}
	if how == Hang && (!s.IsTimeout(err) || errors.Is(err, context.DeadlineExceeded)) {
		t.Errorf("Run = %v, want a timeout that is not the context's", err)
	}
	if sent := w.ScriptCommands(); !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	ranOnce(t, w)

	// The client still works.
	again, err := charge(run, "key")
	if s.IsTimeout(err) {
		return fmt.Errorf("the next Run = %w", err)
	}
	if err != nil || !slices.Equal(again, []int64{2}) {
		t.Errorf("the next Run = %v, %v; want [2]", again, err)
	}
	return nil
}

// tryToConnect connects. It returns an error if connect fails the test.
func tryToConnect(t *testing.T, connect Connect, w *Wire, timeout time.Duration) (run scripts.Runner, err error) {
	tb := &attempt{TB: t}
	crowd(1, func(int) { run = connect(tb, w, timeout) })
	return run, tb.err
}

// An attempt is a test whose Fatal ends only the goroutine.
type attempt struct {
	testing.TB
	err error
}

func (a *attempt) Fatal(args ...any) {
	a.err = errors.New(fmt.Sprint(args...))
	runtime.Goexit()
}

// A Refusal is an answer to EVALSHA that proves that the script has not run.
type Refusal struct {
	Topology string
	Text     string // a redirect names the other node as [Elsewhere]
	Followed bool   // the client follows it; otherwise the caller gets it as an error
}

// Elsewhere stands for another node's address in the text of a [Refusal].
const Elsewhere = "ELSEWHERE"

func (r Refusal) word() string {
	word, _, _ := strings.Cut(r.Text, " ")
	return word
}

func (r Refusal) redirects() bool { return strings.Contains(r.Text, Elsewhere) }

// by makes w answer with the refusal: with a redirect to every EVALSHA, as a client may ask the same node again before it
// follows, and with any other refusal to the next EVALSHA only.
func (r Refusal) by(w, elsewhere *Wire) {
	refused := Fate{Answer: "-" + strings.Replace(r.Text, Elsewhere, elsewhere.Addr, 1) + "\r\n"}
	if !r.redirects() {
		w.Once("evalsha", refused)
		return
	}
	w.Decide(func(cmd []string) Fate {
		if cmd[0] == "evalsha" {
			return refused
		}
		return Fate{}
	})
}

// Refusals tests that a refusal is followed, or returned as an error without sending the command
// again. No node knows the script at first, so a client that follows sends an EVAL later.
func (s Suite) Refusals(t *testing.T, refusals []Refusal) {
	for _, refusal := range refusals {
		t.Run(refusal.Topology+"/"+refusal.word(), func(t *testing.T) {
			t.Parallel()
			w := New(t)
			elsewhere := NewTo(t, w.Server) // another way to the same data
			run := s.Topologies[refusal.Topology](t, w, patience)
			refusal.by(w, elsewhere)
			got, err := charge(run, "key")
			if refusal.Followed {
				if err != nil || !slices.Equal(got, []int64{1}) {
					t.Errorf("Run = %v, %v; want [1]", got, err)
				}
			} else {
				if !s.IsAnswer(err, refusal.Text) {
					t.Errorf("Run = %v, %v; want the server's answer", got, err)
				}
				if sent := w.ScriptCommands(); !slices.Equal(sent, []string{"evalsha"}) {
					t.Errorf("sent %v, want evalsha once", sent)
				}
			}
			if n := elsewhere.Count("asking"); (n == 1) != (refusal.word() == "ASK") {
				t.Errorf("ASKING was sent %d times", n)
			}
		})
	}
}

// LostReplyAfterRedirect tests the refusals that are redirects: the node to which the client
// was redirected has run the script when its reply is lost.
func (s Suite) LostReplyAfterRedirect(t *testing.T, refusals []Refusal) {
	for _, refusal := range refusals {
		if !refusal.redirects() {
			continue
		}
		t.Run(refusal.Topology+"/"+refusal.word(), func(t *testing.T) {
			t.Parallel()
			w := New(t)
			elsewhere := NewTo(t, w.Server)
			run := s.Topologies[refusal.Topology](t, w, patience)
			warm(t, run)
			refusal.by(w, elsewhere)
			elsewhere.Once("evalsha", Fate{Then: Lose})
			if got, err := charge(run, "key"); err == nil {
				t.Errorf("Run = %v, want an error", got)
			}
			if n := elsewhere.Count("evalsha"); n != 1 {
				t.Errorf("EVALSHA was redirected %d times, want once", n)
			}
			ranOnce(t, w)
		})
	}
}

// crowd makes calls at the same time and waits for them.
func crowd(callers int, call func(caller int)) {
	var all sync.WaitGroup
	for caller := range callers {
		all.Add(1)
		go func() {
			defer all.Done()
			call(caller)
		}()
	}
	all.Wait()
}

// ConcurrentCalls tests that each caller gets the answer to its own question, however the client gathers the
// commands.
func (s Suite) ConcurrentCalls(t *testing.T) {
	for topology, connect := range s.Topologies {
		calls := 10 // of clients that differ only in how they find the server
		if topology == "single" || strings.Contains(topology, "pipelin") {
			calls = 100
		}
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			run := connect(t, New(t), patience)
			crowd(64, func(caller int) {
				id := strconv.Itoa(caller)
				for turn := range calls {
					got, err := call(run, Echo, []string{"key" + id}, []string{id, strconv.Itoa(turn)})
					want := []int64{int64(caller), int64(turn), int64(turn + 1)}
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("Run = %v, %v; want %v", got, err, want)
						return
					}
				}
			})
		})
	}
}

// TroubleInACrowd tests that a client which gathers commands does not send the others again when one of them
// fails.
func (s Suite) TroubleInACrowd(t *testing.T) {
	for name, trouble := range map[string]Fate{
		"lose":    {Then: Lose},
		"loading": {Answer: "-LOADING Redis is loading the dataset in memory\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s.each(t, func(t *testing.T, connect Connect) {
				w := New(t)
				run := connect(t, w, patience)
				warm(t, run)
				for round := range 5 {
					w.Once("evalsha", trouble)
					crowd(32, func(caller int) {
						key := strconv.Itoa(round) + "-" + strconv.Itoa(caller)
						got, err := charge(run, key)
						if err == nil && !slices.Equal(got, []int64{1}) {
							t.Errorf("Run = %v, want [1]", got)
						}
						if n, err := w.Server.Get(key); err == nil && n != "1" {
							t.Errorf("the script has run %s times on one key", n)
						}
					})
				}
			})
		})
	}
}
