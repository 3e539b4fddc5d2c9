// Package runnertest tests runners, each over its own client library, against a server that loses
// replies. A [Wire] is such a server, and a [Suite] has the tests.
package runnertest

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/internal/resptest"
)

// A Wire is a connection between a client and a miniredis that can lose a reply after the script
// has run: the one failure that no server offers on demand. It is safe for concurrent use.
type Wire struct {
	Server *miniredis.Miniredis // what is behind the wire
	Addr   string               // what the client connects to

	mu     sync.Mutex
	fixed  map[string]string
	rule   func(cmd []string) Fate
	seen   []string // the names of the commands, in the order they came
	conns  []net.Conn
	closed bool
	done   sync.WaitGroup
}

// A Fate says what happens to one command. With the zero Fate it is forwarded and answered.
type Fate struct {
	Answer string // reply with this RESP value instead of asking the server
	Then   Loss   // what becomes of the reply
}

// A Loss is a way in which a reply is lost. With the zero Loss it arrives.
type Loss string

// The ways to lose a reply. Lose and Cut close the connection.
const (
	Lose Loss = "lose" // all of it
	Cut  Loss = "cut"  // its second half
	Hang Loss = "hang" // all of it, on a connection that stays open
)

// New starts a miniredis for a test, with a wire to it.
func New(tb testing.TB) *Wire {
	tb.Helper()
	return NewTo(tb, miniredis.RunT(tb))
}

// NewTo makes a wire to a miniredis until the test ends. Several wires may lead to the same miniredis, like several nodes
// that hold the same data.
func NewTo(tb testing.TB, server *miniredis.Miniredis) *Wire {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	w := &Wire{Server: server, Addr: listener.Addr().String(), fixed: map[string]string{
		"asking":      "+OK\r\n", // miniredis doesn't know these two
		"client capa": "+OK\r\n",
	}}
	w.start(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.keep(conn)
			w.start(func() { w.serve(conn) })
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		w.mu.Lock()
		w.closed = true
		w.mu.Unlock()
		w.HangUp()
		w.done.Wait()
	})
	return w
}

func (w *Wire) start(f func()) {
	w.done.Add(1)
	go func() {
		defer w.done.Done()
		f()
	}()
}

// Always sets the answer to every command of that name, for commands that miniredis does not know. The name is in
// lower case; that of a subcommand is two words.
func (w *Wire) Always(name, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fixed[name] = answer
}

// Decide sets a rule for the fate of every other command from now on; nil is the zero Fate for all. The
// rule gets the words of the command, the first in lower case.
func (w *Wire) Decide(rule func(cmd []string) Fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = rule
}

// Once gives the next command of that name the fate f.
func (w *Wire) Once(name string, f Fate) {
	var used atomic.Bool
	w.Decide(func(cmd []string) Fate {
		if cmd[0] != name || used.Swap(true) {
			return Fate{}
		}
		return f
	})
}

// Count returns how many commands of that name have come through since Forget.
func (w *Wire) Count(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.seen {
		if s == name {
			n++
		}
	}
	return n
}

// ScriptCommands returns the names of the scripting commands that have come through since Forget, in order.
func (w *Wire) ScriptCommands() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.seen), func(s string) bool { return !strings.HasPrefix(s, "eval") })
}

// Forget makes Count and ScriptCommands start again from nothing.
func (w *Wire) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = nil
}

// FlushScripts empties the server's script cache, without using the wire.
func (w *Wire) FlushScripts(tb testing.TB) {
	tb.Helper()
	if _, err := resptest.Dial(tb, w.Server.Addr()).Do("SCRIPT", "FLUSH"); err != nil {
		tb.Fatal(err)
	}
}

// HangUp breaks every connection, so that no call waits for a server that hangs.
func (w *Wire) HangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

// keep keeps a connection until HangUp. If the wire was closed after the connection was accepted, keep closes the
// connection.
func (w *Wire) keep(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = conn.Close()
		return
	}
	w.conns = append(w.conns, conn)
}

func (w *Wire) judge(cmd []string) Fate {
	w.mu.Lock()
	w.seen = append(w.seen, cmd[0])
	answer, rule := w.fixed[cmd[0]], w.rule
	if answer == "" && len(cmd) > 1 {
		answer = w.fixed[cmd[0]+" "+strings.ToLower(cmd[1])]
	}
	w.mu.Unlock()
	if answer != "" || rule == nil {
		return Fate{Answer: answer}
	}
	return rule(cmd)
}

// serve forwards the commands of one connection, each after the reply to the previous one.
func (w *Wire) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.Server.Addr())
	if err != nil {
		return
	}
	defer server.Close()
	w.keep(server)
	fromClient, fromServer := bufio.NewReader(client), bufio.NewReader(server)
	for {
		raw, err := readValue(fromClient)
		if err != nil {
			return
		}
		f := w.judge(words(raw))
		reply := []byte(f.Answer)
		if f.Answer == "" {
			if _, err := server.Write(raw); err != nil {
				return
			}
			if reply, err = readValue(fromServer); err != nil {
				return
			}
		}
		switch f.Then {
		case Lose:
			return
		case Cut:
			_, _ = client.Write(reply[:len(reply)/2])
			return
		case Hang:
			_, _ = io.Copy(io.Discard, fromClient)
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}
