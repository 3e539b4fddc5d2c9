// Command fuzz runs every fuzz target of every module of this repository, each for the same time:
//
//	go run ./bench/fuzz                                  # ten minutes each
//	go run ./bench/fuzz -time 1m -jobs 2                 # a minute each, two at a time
//	go run ./bench/fuzz -targets 'gcra|ParseLimit'       # those whose PACKAGE.NAME matches
//	go run ./bench/fuzz -keep                            # also keep inputs that reach new code
//
// It prints a line for each target as it ends. If a target fails, it also prints the target's output with the failing input.
// Go has written that input to the package's testdata/fuzz, and every go test replays it. The exit code is 1 if a target
// failed or the run was interrupted.
//
// Go keeps inputs that reach new code in its build cache, $(go env GOCACHE)/fuzz, and the next run begins with them. With
// -keep the smallest of them are also copied into testdata/fuzz, a bounded number for each target, so that every go test
// replays them on any machine.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	each := flag.Duration("time", 10*time.Minute, "how long each target runs")
	parallel := flag.Int("parallel", 1, "how many inputs of a target run at the same time")
	jobs := flag.Int("jobs", 1, "how many targets run at the same time")
	only := flag.String("targets", "", "run the targets whose PACKAGE.NAME matches this regular expression")
	keep := flag.Bool("keep", false, "copy small interesting inputs into testdata/fuzz")
	flag.Parse()
	// The terminal sends Ctrl-C to the go tests too. They end as if their time were up.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	targets, err := find(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(2)
	}
	var failed atomic.Bool
	var busy sync.WaitGroup
	waiting := make(chan target)
	for range max(*jobs, 1) {
		busy.Go(func() {
			for t := range waiting {
				if ctx.Err() != nil {
					continue
				}
				r := t.fuzz(*each, *parallel)
				if *keep {
					r.keep()
				}
				fmt.Println(r)
				if r.err != nil {
					failed.Store(true)
				}
			}
		})
	}
	for _, t := range targets {
		waiting <- t
	}
	close(waiting)
	busy.Wait()
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "fuzz: interrupted")
	}
	if failed.Load() || ctx.Err() != nil {
		os.Exit(1)
	}
}

// A target is a fuzz test.
type target struct{ dir, pkg, name string }

// label is PACKAGE.NAME, where PACKAGE is the import path without its host, owner and repository.
func (t target) label() string {
	short := strings.SplitN(t.pkg, "/", 4)
	return short[len(short)-1] + "." + t.name
}

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)

// find returns the targets of the workspace. It reads the tests' sources, since go test -list would
// first build the tests of every package.
func find(only string) ([]target, error) {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	out, err := output(exec.Command("go", "list", "-f", "{{.Dir}}\t{{.ImportPath}}", "work"))
	if err != nil {
		return nil, err
	}
	var targets []target
	for line := range strings.Lines(out) {
		dir, pkg, _ := strings.Cut(strings.TrimSpace(line), "\t")
		tests, err := read(filepath.Join(dir, "*_test.go"))
		if err != nil {
			return nil, err
		}
		for _, test := range tests {
			for _, found := range declaration.FindAllStringSubmatch(test.text, -1) {
				if t := (target{dir, pkg, found[1]}); wanted.MatchString(t.label()) {
					targets = append(targets, t)
				}
			}
		}
	}
	if len(targets) == 0 {
		return nil, errors.New("no such target")
	}
	return targets, nil
}

// output returns a command's standard output, or an error with its standard error.
func output(cmd *exec.Cmd) (string, error) {
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, complaint.String())
	}
	return strings.TrimRight(out.String(), "\n"), nil
}

// A result is the result of a target.
type result struct {
	target
	executions, interesting int64 // interesting: inputs that have reached new code
	kept                    int   // copied into testdata
	took                    time.Duration
	err                     error // with the target's output
}

// String returns the target's line, and below it the output of a failure.
func (r result) String() string {
	verdict, said := "ok  ", ""
	if r.err != nil {
		verdict, said = "FAIL", "\n"+r.err.Error()
	}
	return fmt.Sprintf("%s  %-28s %9d executions  %4d new inputs  %3d kept  %6.1fs%s",
		verdict, r.label(), r.executions, r.interesting, r.kept, r.took.Seconds(), said)
}

// fuzz runs the target. It limits the minimization of an interesting input to 100 executions, because Go would take a minute
// for each, more than for the fuzzing itself.
func (t target) fuzz(each time.Duration, parallel int) result {
	began := time.Now()
	cmd := exec.Command("go", "test", ".", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(),
		"-fuzzminimizetime", "100x", "-parallel", strconv.Itoa(parallel))
	cmd.Dir = t.dir
	out, err := cmd.CombinedOutput()
	executions, interesting, said := progress(string(out))
	r := result{target: t, executions: executions, interesting: interesting, took: time.Since(began)}
	if err != nil && !strings.HasPrefix(said, "PASS\n") { // when interrupted, go test fails although its test has passed
		r.err = fmt.Errorf("%w\n%s", err, said)
		if written := where.FindStringSubmatch(said); written != nil {
			path := filepath.Join(t.dir, written[1])
			text, readErr := os.ReadFile(path)
			r.err = errors.Join(r.err, fmt.Errorf("%s:\n%s", path, text), readErr)
		}
	}
	return r
}

var (
	status = regexp.MustCompile(`^fuzz: elapsed: .*, execs: (\d+) .*, new interesting: (\d+) `)
	where  = regexp.MustCompile(`Failing input written to (\S+)`)
)

// progress returns the last figures of the fuzzer in go test's output, and the rest of that output without the fuzzer's
// lines.
func progress(output string) (executions, interesting int64, said string) {
	for line := range strings.Lines(output) {
		if m := status.FindStringSubmatch(line); m != nil {
			executions, _ = strconv.ParseInt(m[1], 10, 64) // the pattern matches only digits
			interesting, _ = strconv.ParseInt(m[2], 10, 64)
		} else if !strings.HasPrefix(line, "fuzz: ") {
			said += line
		}
	}
	return executions, interesting, said
}

// go test replays the inputs that are kept of each target, so their number and size are bounded.
const (
	mostKept    = 40
	largestKept = 4 << 10 // bytes
)

// keep copies interesting inputs from the build cache into the package's testdata.
func (r *result) keep() {
	cache, err := output(exec.Command("go", "env", "GOCACHE"))
	seeds := filepath.Join(r.dir, "testdata", "fuzz", r.name)
	have, haveErr := read(filepath.Join(seeds, "*"))
	interesting, readErr := read(filepath.Join(cache, "fuzz", filepath.FromSlash(r.pkg), r.name, "*"))
	r.err = errors.Join(r.err, err, haveErr, readErr)
	for _, in := range choose(have, interesting) {
		if err := errors.Join(os.MkdirAll(seeds, 0o755), os.WriteFile(filepath.Join(seeds, in.name), []byte(in.text), 0o644)); err != nil {
			r.err = errors.Join(r.err, err)
			return
		}
		r.kept++
	}
}

type file struct{ name, text string }

// read reads the files that match a pattern.
func read(pattern string) ([]file, error) {
	paths, err := filepath.Glob(pattern)
	var files []file
	for _, path := range paths {
		text, readErr := os.ReadFile(path)
		err = errors.Join(err, readErr)
		files = append(files, file{filepath.Base(path), string(text)})
	}
	return files, err
}

// choose returns the smallest of the interesting inputs that are not in have. With those in have, they are mostKept at most.
func choose(have, interesting []file) []file {
	known := map[string]bool{}
	for _, in := range have {
		known[in.text] = true
	}
	var chosen []file
	for _, in := range interesting {
		if !known[in.text] && len(in.text) <= largestKept {
			known[in.text] = true
			chosen = append(chosen, in)
		}
	}
	slices.SortFunc(chosen, func(a, b file) int {
		return cmp.Or(len(a.text)-len(b.text), cmp.Compare(a.name, b.name))
	})
	return chosen[:min(len(chosen), max(mostKept-len(have), 0))]
}
