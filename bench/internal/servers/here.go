package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// forward runs a program until its own standard input ends, which it does with the test's process however
// that ends. The output is the program's alone, and ends with it. Ctrl-C is not for this shell.
const forward = `
trap "" INT
"$@" <&- &
pid=$!
exec >&- 2>&-
read -r _
kill "$pid"
wait "$pid"`

// Process is a program that tests run on this machine beside their servers, as a [Container] is one in an image.
type Process struct {
	Listens []string // what its log says of where it listens

	input io.Closer
	log   lines
	ended chan struct{}
	cmd   *exec.Cmd
}

// RunHere runs a command in a directory and returns once its standard error has a line that listens matches. The
// matches of that expression's groups are then what Listens has.
func RunHere(dir string, listens *regexp.Regexp, env map[string]string, command ...string) (*Process, error) {
	cmd := exec.Command("sh", append([]string{"-c", forward, "sh"}, command...)...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
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

	p := &Process{input: input, ended: make(chan struct{}), cmd: cmd}
	listening := make(chan []string, 1)
	go func() {
		defer close(p.ended)
		found := false
		for scan := bufio.NewScanner(output); scan.Scan(); {
			p.log.add(scan.Text())
			if m := listens.FindStringSubmatch(scan.Text()); m != nil && !found {
				found = true
				listening <- m[1:]
			}
		}
	}()
	select {
	case p.Listens = <-listening:
		return p, nil
	case <-p.ended:
		return nil, errors.Join(fmt.Errorf("it ended, having logged\n%s", p.Log(context.Background())), p.Close())
	}
}

// Log returns the program's standard error.
func (p *Process) Log(context.Context) string { return p.log.String() }

// Close asks the program to end, waits for that, and returns an error if it did not end in good order.
func (p *Process) Close() error {
	_ = p.input.Close()
	<-p.ended
	return p.cmd.Wait()
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
