package wiretest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
)

// Scripts of the tests. Count charges one; what it leaves behind says how often it ran. Echo charges
// one too, and returns its two arguments before the total.
var (
	Count = scripts.New("count", `return redis.call("INCR", KEYS[1])`)
	Echo  = scripts.New("echo", `return {tonumber(ARGV[1]), tonumber(ARGV[2]), redis.call("INCR", KEYS[1])}`)
)

// A Suite is the tests that are the same for every runner, and what it needs to know of one. Each
// method is one test.
type Suite struct {
	Package string // what the runner's errors begin with

	// Topologies are the runner's clients, connected in each way that they can be. One is "single".
	Topologies map[string]Connect

	// IsTimeout tells whether err is the client's own error for a reply that did not come in time.
	IsTimeout func(err error) bool

	// IsAnswer tells whether err is the client's own error for a server's answer that begins so.
	IsAnswer func(err error, beginning string) bool
}

// Connect connects a client to w until the test ends, and returns a runner over it. The client
// gives up on a reply after timeout; 0 is its default.
type Connect func(tb testing.TB, w *Wire, timeout time.Duration) scripts.Runner

// each runs a test over every topology, in parallel.
func (s Suite) each(t *testing.T, test func(t *testing.T, connect Connect)) {
	for topology, connect := range s.Topologies {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			test(t, connect)
		})
	}
}

// call runs a script as a request does: under a context that can be cancelled, which makes some
// clients take another way than context.Background does.
func call(run scripts.Runner, s *scripts.Script, keys, args []string) ([]int64, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return run.Run(ctx, s, keys, args)
}

// charge runs Count on key.
func charge(run scripts.Runner, key string) ([]int64, error) {
	return call(run, Count, []string{key}, nil)
}

// warm makes the server know Count, and the client connect.
func warm(t *testing.T, run scripts.Runner) {
	t.Helper()
	if _, err := charge(run, "warm"); err != nil {
		t.Fatal(err)
	}
}

// ranOnce checks how often Count has run on "key".
func ranOnce(t *testing.T, w *Wire) {
	t.Helper()
	if n, _ := w.Server.Get("key"); n != "1" {
		t.Errorf("the script has run %s times, want once", n)
	}
}

// EvalOnlyAfterNoScript tests what is sent. The server knows no script at first, so the first call is
// EVALSHA and then EVAL; from then on it is EVALSHA alone, until a SCRIPT FLUSH, which the caller
// does not notice.
func (s Suite) EvalOnlyAfterNoScript(t *testing.T) {
	s.each(t, func(t *testing.T, connect Connect) {
		w := New(t)
		run := connect(t, w, 0)
		for i, want := range [][]string{
			{"evalsha", "eval"},
			{"evalsha"},
			{"evalsha", "eval"}, // after the flush
			{"evalsha"},
		} {
			if i == 2 {
				w.FlushScripts(t)
			}
			w.Forget()
			got, err := charge(run, "key")
			if err != nil || !slices.Equal(got, []int64{int64(i + 1)}) {
				t.Errorf("Run %d = %v, %v", i+1, got, err)
			}
			if sent := w.ScriptCommands(); !slices.Equal(sent, want) {
				t.Errorf("Run %d sent %v, want %v", i+1, sent, want)
			}
		}
	})
}

// NoScriptInsideAnError tests that NOSCRIPT is what the answer begins with, not a word in it.
func (s Suite) NoScriptInsideAnError(t *testing.T) {
	w := New(t)
	w.Once("evalsha", Fate{Answer: "-ERR user_script: NOSCRIPT No matching script\r\n"})
	got, err := charge(s.Topologies["single"](t, w, 0), "key")
	if err == nil || w.Count("eval") > 0 {
		t.Errorf("Run = %v, %v after %v; want the error", got, err, w.ScriptCommands())
	}
}

// KeysAndArgs tests that keys and arguments reach the script as they are.
func (s Suite) KeysAndArgs(t *testing.T) {
	lengths := scripts.New("lengths", `
		local out = {#KEYS, #ARGV}
		for _, s in ipairs(KEYS) do out[#out + 1] = #s end
		for _, s in ipairs(ARGV) do out[#out + 1] = #s end
		return out`)
	nasty := []string{"", "a b", "{}x", "\x00\xff", "7"}
	tests := []struct {
		keys, args []string
		want       []int64
	}{
		{nil, nil, []int64{0, 0}},
		{nil, []string{"one"}, []int64{0, 1, 3}},
		{[]string{"key"}, nil, []int64{1, 0, 3}},
		{[]string{"{k}1", "{k}22"}, nasty, []int64{2, 5, 4, 5, 0, 3, 3, 2, 1}},
	}
	s.each(t, func(t *testing.T, connect Connect) {
		run := connect(t, New(t), 0)
		for _, test := range tests {
			got, err := call(run, lengths, test.keys, test.args)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("Run(%q, %q) = %v, %v; want %v", test.keys, test.args, got, err, test.want)
			}
		}
	})
}

// A Reply is a script's reply and what Run makes of it.
type Reply struct {
	RESP string // as the server sends it
	Want []int64
	Err  string // what the error says after the script's name; "" is no error
}

var replies = []Reply{
	{":7\r\n", []int64{7}, ""},
	{"*0\r\n", []int64{}, ""},
	{"*3\r\n:1\r\n:-2\r\n:9007199254740993\r\n", []int64{1, -2, 9007199254740993}, ""},
	{"$1\r\n7\r\n", nil, "unexpected reply: a string, want integers"},
	{"+OK\r\n", nil, "unexpected reply: a string, want integers"},
	{"*2\r\n:1\r\n$1\r\n7\r\n", nil, "unexpected reply: element 2 of 2 is a string, want integers"},
	{"*1\r\n$-1\r\n", nil, "unexpected reply: element 1 of 1 is nil, want integers"},
	{"*1\r\n*1\r\n:1\r\n", nil, "unexpected reply: element 1 of 1 is an array, want integers"},
	{"*1\r\n-WRONG inside\r\n", nil, "unexpected reply: element 1 of 1 is an error: WRONG inside"},
	{"%1\r\n:1\r\n:2\r\n", nil, "unexpected reply: a map, want integers"},
}

// Replies tests that integers are returned and all else is an error that says what it was. The
// replies more are those whose error the client words in its own way.
func (s Suite) Replies(t *testing.T, more []Reply) {
	w := New(t)
	run := s.Topologies["single"](t, w, 0)
	for _, reply := range slices.Concat(replies, more) {
		w.Once("evalsha", Fate{Answer: reply.RESP})
		got, err := charge(run, "key")
		var said, want string
		if err != nil {
			said = err.Error()
		}
		if reply.Err != "" {
			want = s.Package + ": count: " + reply.Err
		}
		if !slices.Equal(got, reply.Want) || (got == nil) != (reply.Want == nil) || said != want {
			t.Errorf("%q: Run = %v, %v; want %v, %s", reply.RESP, got, err, reply.Want, want)
		}
	}
}

// ServerErrors tests that the server's errors come through as the client tells them.
func (s Suite) ServerErrors(t *testing.T) {
	pcall := scripts.New("pcall", `return redis.pcall("INCR", KEYS[1])`) // miniredis hides what call raises
	s.each(t, func(t *testing.T, connect Connect) {
		w := New(t)
		if _, err := w.Server.Push("list", "x"); err != nil {
			t.Fatal(err)
		}
		_, err := call(connect(t, w, 0), pcall, []string{"list"}, nil)
		if !s.IsAnswer(err, "WRONGTYPE ") {
			t.Errorf("Run = %v, want WRONGTYPE as the client's own error", err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), s.Package+": pcall: WRONGTYPE ") {
			t.Errorf("Run = %v, want the script's name in front", err)
		}
	})
}

// LostReplyIsNotResent tests what becomes of a call whose reply is lost after the script has run. Whatever
// the client, and however that is lost, the caller gets an error and the server has counted one.
func (s Suite) LostReplyIsNotResent(t *testing.T) {
	for topology, connect := range s.Topologies {
		for _, command := range []string{"evalsha", "eval"} {
			for _, how := range []Loss{Lose, Cut, Hang} {
				if how == Hang && command == "eval" && topology != "single" {
					continue // takes its time, and tells no more than evalsha
				}
				t.Run(topology+"/"+command+"/"+string(how), func(t *testing.T) {
					t.Parallel()
					s.lostReply(t, connect, command, how)
				})
			}
		}
	}
}

func (s Suite) lostReply(t *testing.T, connect Connect, command string, how Loss) {
	w := New(t)
	var timeout time.Duration
	if how == Hang {
		timeout = 500 * time.Millisecond
	}
	run := connect(t, w, timeout)
	warm(t, run)
	want := []string{"evalsha"}
	if command == "eval" {
		w.FlushScripts(t)
		want = []string{"evalsha", "eval"}
	}
	w.Forget()

	w.Once(command, Fate{Then: how})
	got, err := charge(run, "key")
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

	// And the client works on.
	again, err := charge(run, "key")
	if err != nil || !slices.Equal(again, []int64{2}) {
		t.Errorf("the next Run = %v, %v; want [2]", again, err)
	}
}

// A Refusal is an answer to EVALSHA that proves that the script has not run.
type Refusal struct {
	Topology string
	Text     string // a redirect's names the other node as [Elsewhere]
	Followed bool   // by the client; the caller's error otherwise
}

// Elsewhere stands for another node's address in the text of a [Refusal].
const Elsewhere = "ELSEWHERE"

func (r Refusal) word() string {
	word, _, _ := strings.Cut(r.Text, " ")
	return word
}

func (r Refusal) redirects() bool { return strings.Contains(r.Text, Elsewhere) }

// by makes w refuse: a redirect every EVALSHA, as a client may ask the same node again before it
// follows, any other refusal the next one.
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

// Refusals tests that a refusal is followed, or else returned as an error and the command not sent
// again. No node knows the script at first, so where EVALSHA is followed there is an EVAL to come.
func (s Suite) Refusals(t *testing.T, refusals []Refusal) {
	for _, refusal := range refusals {
		t.Run(refusal.Topology+"/"+refusal.word(), func(t *testing.T) {
			t.Parallel()
			w := New(t)
			elsewhere := NewTo(t, w.Server) // another way to the same data
			run := s.Topologies[refusal.Topology](t, w, 0)
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

// LostReplyAfterRedirect tests those of the refusals that are redirects: the node that the client
// was sent on to has run the script when its reply is lost.
func (s Suite) LostReplyAfterRedirect(t *testing.T, refusals []Refusal) {
	for _, refusal := range refusals {
		if !refusal.redirects() {
			continue
		}
		t.Run(refusal.Topology+"/"+refusal.word(), func(t *testing.T) {
			t.Parallel()
			w := New(t)
			elsewhere := NewTo(t, w.Server)
			run := s.Topologies[refusal.Topology](t, w, 0)
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
			run := connect(t, New(t), 0)
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

// TroubleInACrowd tests that the trouble of one command does not make the client send again what it
// gathered with it.
func (s Suite) TroubleInACrowd(t *testing.T) {
	for name, trouble := range map[string]Fate{
		"lose":    {Then: Lose},
		"loading": {Answer: "-LOADING Redis is loading the dataset in memory\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s.each(t, func(t *testing.T, connect Connect) {
				w := New(t)
				run := connect(t, w, 0)
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
