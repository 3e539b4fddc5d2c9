package runnertest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
)

// Scripts of the tests. Count adds one to a key, which tells how often the script ran. Echo adds
// one as well, and returns its two arguments before the sum.
var (
	Count = scripts.New("count", `return redis.call("INCR", KEYS[1])`)
	Echo  = scripts.New("echo", `return {tonumber(ARGV[1]), tonumber(ARGV[2]), redis.call("INCR", KEYS[1])}`)
)

// A Suite has the tests that are the same for every runner, and the properties of the runner that they need. Each
// method is one test.
type Suite struct {
	Package string // what the runner's errors begin with

	// Topologies are the runner's clients, connected in each possible way. One is "single".
	Topologies map[string]Connect

	// IsTimeout reports whether err is the client's own error for a reply that did not come in time.
	IsTimeout func(err error) bool

	// IsAnswer reports whether err is the client's own error for a server's answer that begins with the text.
	IsAnswer func(err error, beginning string) bool
}

// Connect connects a client to w until the test ends, and returns a runner over it. The client
// gives up on a reply after timeout.
type Connect func(tb testing.TB, w *Wire, timeout time.Duration) scripts.Runner

// patience is how long a client waits for a reply that will come: longer than any machine takes.
const patience = 2 * time.Minute

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
// clients use other code than for context.Background.
func call(run scripts.Runner, s *scripts.Script, keys, args []string) ([]int64, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return run.Run(ctx, s, keys, args)
}

// charge runs Count on key.
func charge(run scripts.Runner, key string) ([]int64, error) {
	return call(run, Count, []string{key}, nil)
}

// warm makes the client connect, and loads Count on the server.
func warm(t *testing.T, run scripts.Runner) {
	t.Helper()
	if _, err := charge(run, "warm"); err != nil {
		t.Fatal(err)
	}
}

// ranOnce fails the test unless Count has run once on "key".
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
		run := connect(t, w, patience)
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

// NoScriptInsideAnError tests that an answer counts as NOSCRIPT only if it begins with that word.
func (s Suite) NoScriptInsideAnError(t *testing.T) {
	w := New(t)
	w.Once("evalsha", Fate{Answer: "-ERR user_script: NOSCRIPT No matching script\r\n"})
	got, err := charge(s.Topologies["single"](t, w, patience), "key")
	if err == nil || w.Count("eval") > 0 {
		t.Errorf("Run = %v, %v after %v; want the error", got, err, w.ScriptCommands())
	}
}

// KeysAndArgs tests that keys and arguments reach the script unchanged.
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
		run := connect(t, New(t), patience)
		for _, test := range tests {
			got, err := call(run, lengths, test.keys, test.args)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("Run(%q, %q) = %v, %v; want %v", test.keys, test.args, got, err, test.want)
			}
		}
	})
}

// A Reply is a script's reply and the result of Run for it.
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

// Replies tests that integers are returned, and that any other reply is an error which describes it. The
// replies in more are those for which the client has an error text of its own.
func (s Suite) Replies(t *testing.T, more []Reply) {
	w := New(t)
	run := s.Topologies["single"](t, w, patience)
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

// ServerErrors tests that the server's errors are returned as the client's errors.
func (s Suite) ServerErrors(t *testing.T) {
	pcall := scripts.New("pcall", `return redis.pcall("INCR", KEYS[1])`) // miniredis hides the errors that redis.call raises
	s.each(t, func(t *testing.T, connect Connect) {
		w := New(t)
		if _, err := w.Server.Push("list", "x"); err != nil {
			t.Fatal(err)
		}
		_, err := call(connect(t, w, patience), pcall, []string{"list"}, nil)
		if !s.IsAnswer(err, "WRONGTYPE ") {
			t.Errorf("Run = %v, want WRONGTYPE as the client's own error", err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), s.Package+": pcall: WRONGTYPE ") {
			t.Errorf("Run = %v, want the script's name in front", err)
		}
	})
}
