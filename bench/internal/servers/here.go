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

// forward is a shell script that runs a program until the script's standard input ends. That happens when the test's process
// ends, for whatever reason. Only the program writes to the output. The script ignores Ctrl-C.
const forward = `
trap "" INT
"$@" <&- &
pid=$!
exec >&- 2>&-
read -r _
kill "$pid"
wait "$pid"`

// Process is a program that a test runs on this machine, as a [Container] is a program in a container.
type Process struct {
	Listens []string // the matches of the groups of RunHere's expression listens

	input io.Closer
	log   lines
	ended chan struct{}
	cmd   *exec.Cmd
}

// RunHere runs a command in a directory and returns once listens matches a line of its standard error. The field Listens then
// holds the matches of the expression's groups, such as an address.
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
		return nil, errors.Join(fmt.Errorf("the program ended; its log is\n%s", p.Log(context.Background())), p.Close())
	}
}

// Log returns the program's standard error.
func (p *Process) Log(context.Context) string { return p.log.String() }

// Close asks the program to end and waits for it. It returns an error if the program fails.
func (p *Process) Close() error {
	_ = p.input.Close()
	<-p.ended
	return p.cmd.Wait()
}

// lines are the lines of a log, which are safe for concurrent use.
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
