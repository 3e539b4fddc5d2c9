package rueidisrunner_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// The server knows no script at first, so the first call is EVALSHA and then EVAL; from then on it
// is EVALSHA alone, until a SCRIPT FLUSH, which the caller does not notice.
func TestEvalOnlyAfterNoScript(t *testing.T) {
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			run := rueidisrunner.New(connect(t, w, 0))
			for i, want := range [][]string{
				{"evalsha", "eval"},
				{"evalsha"},
				{"evalsha", "eval"}, // after the flush
				{"evalsha"},
			} {
				if i == 2 {
					flush(t, w)
				}
				w.forget()
				got, err := run.Run(t.Context(), count, []string{"key"}, nil)
				if err != nil || !slices.Equal(got, []int64{int64(i + 1)}) {
					t.Errorf("Run %d = %v, %v", i+1, got, err)
				}
				if sent := w.scripts(); !slices.Equal(sent, want) {
					t.Errorf("Run %d sent %v, want %v", i+1, sent, want)
				}
			}
		})
	}
}

// NOSCRIPT is what the answer begins with, not a word in it.
func TestNoScriptInsideAnError(t *testing.T) {
	w := newWire(t)
	w.once("evalsha", fate{answer: "-ERR user_script: NOSCRIPT No matching script\r\n"})
	got, err := rueidisrunner.New(connect(t, 0, single(w))).Run(t.Context(), count, []string{"key"}, nil)
	if err == nil || w.count("eval") > 0 {
		t.Errorf("Run = %v, %v after %v; want the error", got, err, w.scripts())
	}
}

func TestKeysAndArgs(t *testing.T) {
	nasty := []string{"", "a b", "{}x", "\x00\xff", "7"}
	w := newWire(t)
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			run := rueidisrunner.New(connect(t, w, 0))
			s := scripts.New("lengths", `
				local out = {#KEYS, #ARGV}
				for _, s in ipairs(KEYS) do out[#out + 1] = #s end
				for _, s in ipairs(ARGV) do out[#out + 1] = #s end
				return out`)
			tests := []struct {
				keys, args []string
				want       []int64
			}{
				{nil, nil, []int64{0, 0}},
				{nil, []string{"one"}, []int64{0, 1, 3}},
				{[]string{"key"}, nil, []int64{1, 0, 3}},
				{[]string{"{k}1", "{k}22"}, nasty, []int64{2, 5, 4, 5, 0, 3, 3, 2, 1}},
			}
			for _, test := range tests {
				got, err := run.Run(t.Context(), s, test.keys, test.args)
				if err != nil || !slices.Equal(got, test.want) {
					t.Errorf("Run(%q, %q) = %v, %v; want %v", test.keys, test.args, got, err, test.want)
				}
			}
		})
	}
}

// The first key chooses the node, without a redirect. Keys of several slots are for the server to
// refuse, where rueidis' builder would panic.
func TestClusterRouting(t *testing.T) {
	low, high := newWire(t), newWire(t)
	low.always("cluster", shards(t, low, high))
	high.always("cluster", shards(t, low, high))
	run := rueidisrunner.New(connect(t, 0, rueidis.ClientOption{InitAddress: []string{low.addr}}))
	for key, node := range map[string]*wire{"bar": low, "{bar}foo": low, "foo": high, "{foo}bar": high} {
		if _, err := run.Run(t.Context(), count, []string{key}, []string{"arg"}); err != nil || !node.Exists(key) {
			t.Errorf("%s is not on its node; Run's error is %v", key, err)
		}
	}

	high.once("evalsha", fate{answer: "-CROSSSLOT Keys in request don't hash to the same slot\r\n"})
	_, err := run.Run(t.Context(), count, []string{"foo", "bar"}, nil)
	var answer *rueidis.RedisError
	if !errors.As(err, &answer) || !strings.HasPrefix(answer.Error(), "CROSSSLOT") {
		t.Errorf("Run = %v, want CROSSSLOT", err)
	}
}

func TestReplies(t *testing.T) {
	tests := []struct {
		reply string // as the server sends it
		want  []int64
		err   string // what the error says after the script's name
	}{
		{":7\r\n", []int64{7}, ""},
		{"*0\r\n", []int64{}, ""},
		{"*3\r\n:1\r\n:-2\r\n:9007199254740993\r\n", []int64{1, -2, 9007199254740993}, ""},
		{"$1\r\n7\r\n", nil, "unexpected reply: a string, want integers"},
		{"+OK\r\n", nil, "unexpected reply: a string, want integers"},
		{"$-1\r\n", nil, "unexpected nil reply: redis nil message"},
		{"*-1\r\n", nil, "unexpected nil reply: redis nil message"},
		{"_\r\n", nil, "unexpected nil reply: redis nil message"},
		{"*2\r\n:1\r\n$1\r\n7\r\n", nil, "unexpected reply: element 2 of 2 is a string, want integers"},
		{"*1\r\n$-1\r\n", nil, "unexpected reply: element 1 of 1 is nil, want integers"},
		{"*1\r\n*1\r\n:1\r\n", nil, "unexpected reply: element 1 of 1 is an array, want integers"},
		{"*1\r\n-WRONG inside\r\n", nil, "unexpected reply: element 1 of 1 is an error: WRONG inside"},
		{",1.5\r\n", nil, "unexpected reply: a double, want integers"},
		{"#t\r\n", nil, "unexpected reply: a boolean, want integers"},
		{"%1\r\n:1\r\n:2\r\n", nil, "unexpected reply: a map, want integers"},
		{"*1\r\n(12345678901234567890\r\n", nil, "unexpected reply: element 1 of 1 is neither integer nor array, want integers"},
	}
	w := newWire(t)
	run := rueidisrunner.New(connect(t, 0, single(w)))
	for _, test := range tests {
		w.once("evalsha", fate{answer: test.reply})
		got, err := run.Run(t.Context(), count, []string{"key"}, nil)
		if !slices.Equal(got, test.want) || (got == nil) != (test.want == nil) || text(err) != prefixed(test.err) {
			t.Errorf("%q: Run = %v, %v; want %v, %s", test.reply, got, err, test.want, test.err)
		}
	}
}

// What a real script replies, over both protocols.
func TestProtocols(t *testing.T) {
	for name, resp2 := range map[string]bool{"RESP2": true, "RESP3": false} {
		o := single(newWire(t))
		o.AlwaysRESP2 = resp2
		run := rueidisrunner.New(connect(t, 0, o))
		got, err := run.Run(t.Context(), echo, []string{"key"}, []string{"-5", "300"})
		if err != nil || !slices.Equal(got, []int64{-5, 300, 1}) {
			t.Errorf("%s: Run = %v, %v", name, got, err)
		}
		if _, err := run.Run(t.Context(), scripts.New("none", "return false"), nil, nil); !errors.Is(err, rueidis.Nil) {
			t.Errorf("%s: a nil reply gave %v", name, err)
		}
	}
}

// The server's errors come through as rueidis tells them.
func TestServerErrors(t *testing.T) {
	for topology, connect := range topologies {
		t.Run(topology, func(t *testing.T) {
			t.Parallel()
			w := newWire(t)
			if _, err := w.Push("list", "x"); err != nil {
				t.Fatal(err)
			}
			run := rueidisrunner.New(connect(t, w, 0))
			s := scripts.New("pcall", `return redis.pcall("INCR", KEYS[1])`) // miniredis hides what call raises
			_, err := run.Run(t.Context(), s, []string{"list"}, nil)
			var server *rueidis.RedisError
			if !errors.As(err, &server) || !strings.HasPrefix(server.Error(), "WRONGTYPE ") {
				t.Errorf("Run = %v, want WRONGTYPE as a *rueidis.RedisError", err)
			}
			if !strings.HasPrefix(text(err), "rueidisrunner: pcall: WRONGTYPE ") {
				t.Errorf("Run = %v, want the script's name in front", err)
			}
		})
	}
}

func TestNilClient(t *testing.T) {
	type client struct{ rueidis.Client }
	var noRunner *rueidisrunner.Runner
	for name, run := range map[string]*rueidisrunner.Runner{
		"nil":         rueidisrunner.New(nil),
		"nil client":  rueidisrunner.New((*client)(nil)),
		"zero runner": {},
		"no runner":   noRunner,
	} {
		if _, err := run.Run(context.Background(), count, []string{"key"}, nil); !errors.Is(err, rueidisrunner.ErrNilClient) {
			t.Errorf("%s: Run = %v, want ErrNilClient", name, err)
		}
	}
}

// flush empties the server's script cache, past the client.
func flush(t *testing.T, w *wire) {
	t.Helper()
	client := connect(t, 0, rueidis.ClientOption{InitAddress: []string{w.Addr()}, ForceSingleClient: true})
	if err := client.Do(t.Context(), client.B().ScriptFlush().Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func prefixed(s string) string {
	if s == "" {
		return ""
	}
	return "rueidisrunner: count: " + s
}
