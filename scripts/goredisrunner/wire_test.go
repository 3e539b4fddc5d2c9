package goredisrunner_test

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// A wire is a connection between a client and a miniredis that can lose a reply after the script
// has run: the one failure that no server offers on demand.
type wire struct {
	*miniredis.Miniredis        // what is behind the wire
	addr                 string // what the client connects to

	mu    sync.Mutex
	fixed map[string]string
	rule  func(cmd []string) fate
	seen  []string // the names of the commands, in the order they came
	conns []net.Conn
	done  sync.WaitGroup
}

// A fate is what becomes of one command. The zero fate is the ordinary one: forwarded, answered.
type fate struct {
	answer string // reply with this instead of asking the server
	then   string // "lose" the reply, "cut" it in half, or "hang"; the first two close the connection
}

func newWire(t testing.TB) *wire {
	t.Helper()
	return newWireTo(t, miniredis.RunT(t))
}

func newWireTo(t testing.TB, server *miniredis.Miniredis) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Miniredis: server, addr: listener.Addr().String(), fixed: map[string]string{}}
	w.done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.keep(conn)
			w.done.Go(func() { w.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		w.hangUp()
		w.done.Wait()
	})
	return w
}

// always answers every command of that name so, for what a miniredis does not know.
func (w *wire) always(name, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fixed[name] = answer
}

// decide sets the fate of every other command from now on; nil is the ordinary fate for all.
func (w *wire) decide(rule func(cmd []string) fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = rule
}

// once gives the next command of that name the fate f.
func (w *wire) once(name string, f fate) {
	w.decide(func(cmd []string) fate {
		if cmd[0] != name {
			return fate{}
		}
		w.decide(nil)
		return f
	})
}

// count is how many commands of that name came through since forget.
func (w *wire) count(name string) int {
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

// scripts is the names of the scripting commands that came through since forget.
func (w *wire) scripts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.seen), func(s string) bool { return !strings.HasPrefix(s, "eval") })
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = nil
}

// hangUp breaks every connection, so that nobody waits for one that hangs.
func (w *wire) hangUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

func (w *wire) keep(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conn)
}

func (w *wire) judge(cmd []string) fate {
	w.mu.Lock()
	w.seen = append(w.seen, cmd[0])
	answer, rule := w.fixed[cmd[0]], w.rule
	w.mu.Unlock()
	if answer != "" || rule == nil {
		return fate{answer: answer}
	}
	return rule(cmd)
}

// serve passes the commands of one connection on, each after the reply to the one before.
func (w *wire) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.Addr())
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
		reply := []byte(f.answer)
		if f.answer == "" {
			if _, err := server.Write(raw); err != nil {
				return
			}
			if reply, err = readValue(fromServer); err != nil {
				return
			}
		}
		switch f.then {
		case "lose":
			return
		case "cut":
			_, _ = client.Write(reply[:len(reply)/2])
			return
		case "hang":
			_, _ = io.Copy(io.Discard, fromClient)
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// readValue reads one RESP value, whole and as it is.
func readValue(r *bufio.Reader) ([]byte, error) {
	raw, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(raw[1:])))
	switch raw[0] {
	case '$', '=', '!':
		if n < 0 {
			break
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		raw = append(raw, body...)
	case '*', '~', '>', '%':
		if raw[0] == '%' {
			n *= 2
		}
		for range n {
			elem, err := readValue(r)
			if err != nil {
				return nil, err
			}
			raw = append(raw, elem...)
		}
	}
	return raw, nil
}

// words is the words of a command as it came over the wire, the first in lower case.
func words(raw []byte) []string {
	var out []string
	for i, part := range strings.Split(string(raw), "\r\n") {
		if i > 0 && i%2 == 0 {
			out = append(out, part)
		}
	}
	out[0] = strings.ToLower(out[0])
	return out
}

// bulk is words as RESP sends an array of them.
func bulk(words ...string) string {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(words)) + "\r\n")
	for _, word := range words {
		b.WriteString("$" + strconv.Itoa(len(word)) + "\r\n" + word + "\r\n")
	}
	return b.String()
}
