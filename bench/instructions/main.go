// Command instructions counts the instructions that a server executes for a decision. The server runs under valgrind's
// callgrind and gets one call at a time, so the figure is the same to 1 % even if other programs run:
//
//	go run ./bench/instructions                           # every script and its variants, and other libraries, on each server
//	go run ./bench/instructions -cases '^gcra/'           # the cases whose name matches
//	go run ./bench/instructions -servers redis:7.0        # on these servers, by the names of their images
//	go run ./bench/instructions -shipped                  # the shipped scripts alone
//	go run ./bench/instructions -write FILE               # write the shipped scripts' counts
//	go run ./bench/instructions -check FILE               # exit with 1 if a count has grown by more than 3 %
//
// To measure a changed script:
//
//	go run ./bench/instructions -script new.lua -of gcra  # all cases of gcra, with the shipped script and with the file
//	go run ./bench/instructions -script new.lua -args 100000,1000000  # the file with one key and these arguments
//
// Figures are thousands of instructions of a decision, minus those of a PING. The first part of a case's name is the script,
// or another library. In it, "-parts" means that the emission interval is not a whole number of microseconds, and
// "allof-gcra-gcra" is one decision of two limits. The second part is the state of the key, or of each limit's key:
//
//	new             the key doesn't exist
//	idle            it exists, but its theoretical arrival time, or its whole window, has passed
//	busy, open      its time or window has not passed, and the request is admitted
//	denied          the request is denied
//	accepted        the request enters a queue
//	refused         the queue refuses the request
//	canceled        an admitted request is canceled; its Reserve is counted too
//
// A third part names a script that replaces the shipped one: "floor" makes the same calls of redis.call without any logic.
// The others are in bench/instructions/variants.
//
// The command needs valgrind, and installs it if apt-get can. Servers run as programs of this machine, or are unpacked from
// Debian's packages. Containers are not used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	grown, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "instructions:", err)
		os.Exit(2)
	case grown:
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	servers, cases   string
	shipped          bool
	script, of, args string
	write, check     string
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("instructions", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.servers, "servers", "", "count on these servers, `images` with commas between; those of the tests if empty")
	flags.StringVar(&o.cases, "cases", "", "count the cases whose name matches this regular `expression`")
	flags.BoolVar(&o.shipped, "shipped", false, "count the shipped scripts alone")
	flags.StringVar(&o.script, "script", "", "count the Lua text of this `file`; takes -of or -args")
	flags.StringVar(&o.of, "of", "", "the `script`, such as gcra, whose place the text takes, in all of its cases")
	flags.StringVar(&o.args, "args", "", "the text's `arguments`, commas between; its key is one that it alone uses")
	flags.StringVar(&o.write, "write", "", "write the shipped scripts' counts into this `file`")
	flags.StringVar(&o.check, "check", "", "compare the shipped scripts' counts with those in this `file`")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is no flag", flags.Arg(0))
	case o.script == "" && o.of+o.args != "":
		return o, errors.New("-of and -args are of a text: name its file with -script")
	case o.of != "" && o.args != "":
		return o, errors.New("with -of the arguments are the limiter's: leave out -args")
	case o.script != "" && o.write+o.check != "":
		return o, errors.New("-write and -check are of the shipped scripts: leave out -script")
	case o.write != "" && o.cases != "":
		return o, errors.New("-write is of all shipped scripts: leave out -cases")
	}
	return o, nil
}

// run does what args say, and reports whether the count of a script has grown.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (grown bool, err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return false, err
	}
	kinds, err := o.kinds()
	if err != nil {
		return false, err
	}
	var known figures
	if o.check != "" {
		if known, err = readBaseline(o.check); err != nil {
			return false, err
		}
	}
	dir, err := os.MkdirTemp("", "weir-instructions-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	subjects, err := o.subjects(builder(ctx, dir))
	if err != nil {
		return false, err
	}
	counts, err := countAll(ctx, kinds, subjects, stderr)
	if len(counts) > 0 {
		fmt.Fprint(stdout, render(kinds, subjects, counts))
	}
	if err != nil {
		return false, err
	}
	if o.check != "" {
		for _, line := range known.grown(counts) {
			fmt.Fprintln(stderr, line)
			grown = true
		}
	}
	if o.write != "" {
		return grown, os.WriteFile(o.write, []byte(counts.baseline()), 0o644)
	}
	return grown, nil
}

// kinds returns the servers to count on.
func (o options) kinds() (all []servers.Kind, err error) {
	if o.servers == "" {
		return servers.All(), nil
	}
	for image := range strings.SplitSeq(o.servers, ",") {
		kind, err := servers.Image(image)
		if err != nil {
			return nil, err
		}
		all = append(all, kind)
	}
	return all, nil
}

// subjects returns what is to be counted. worker builds the program that has the peers.
func (o options) subjects(worker func() (string, error)) (all []subject, err error) {
	switch {
	case o.script != "":
		text, err := os.ReadFile(o.script)
		if err != nil {
			return nil, err
		}
		all = fromFile(filepath.Base(o.script), string(text), o.of, o.args)
	case o.shipped || o.write+o.check != "":
		all = shipped()
	default:
		if all, err = tried(); err != nil {
			return nil, err
		}
		all = append(all, peers(worker)...)
	}
	chosen, err := regexp.Compile(o.cases)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s subject) bool { return !chosen.MatchString(s.name) })
	if len(all) == 0 {
		return nil, errors.New("there is no such case: without flags all are counted")
	}
	return all, nil
}
