package replicas_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// binary is the file of the example's program.
type binary string

// buildBinary builds it as build.sh does, so that the compiler's work is done once.
func buildBinary(t *testing.T) binary {
	t.Helper()
	file := filepath.Join(t.TempDir(), "replicas")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", file, ".")
	build.Dir = example
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary(file)
}

// untilEOF runs a program until its own standard input ends, which it does with the test's process however
// that ends. The output is the program's alone, and ends with it. Ctrl-C is not for this shell.
const untilEOF = `
trap "" INT
"$@" <&- &
pid=$!
exec >&- 2>&-
read -r _
kill "$pid"
wait "$pid"`

// listen makes a program listen on a free port, and listensOn finds it in what the program logs.
var (
	listen    = map[string]string{"LISTEN": "127.0.0.1:0"}
	listensOn = regexp.MustCompile(`(?m) on (127\S+)$`)
)

// start starts a process.
func (b binary) start(_ context.Context, env map[string]string, args ...string) (*running, error) {
	cmd := exec.Command("sh", append([]string{"-c", untilEOF, "sh", string(b)}, args...)...)
	cmd.Env = os.Environ()
	for _, env := range []map[string]string{listen, env} {
		for name, value := range env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}

	var log lines
	listening, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for scan := bufio.NewScanner(output); scan.Scan(); {
			log.add(scan.Text())
			if m := listensOn.FindStringSubmatch(scan.Text()); m != nil {
				listening <- m[1] // which it logs once
			}
		}
	}()
	end := func() error {
		_ = input.Close()
		<-ended
		return cmd.Wait() // an error too if it did not end in good order
	}
	select {
	case addr := <-listening:
		return &running{addr: addr, log: log.String, close: end}, nil
	case <-ended:
		return nil, errors.Join(fmt.Errorf("it ended, having logged\n%s", &log), end())
	}
}

// lines are written by one goroutine and read by another.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
