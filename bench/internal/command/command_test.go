package command

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/urfave/cli/v3"
)

// TestLine: the command line can be pasted into a shell, and has no password in it.
func TestLine(t *testing.T) {
	var line string
	try := &cli.Command{
		Name:   "try",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "redis"}, &cli.StringFlag{Name: "limit"}},
		Action: func(_ context.Context, cmd *cli.Command) error { line = Line(cmd); return nil },
	}
	var out bytes.Buffer
	args := []string{"try", "-redis", "redis://me:se@cret@127.0.0.1:6379", "-limit", "5/s burst 2", "it's"}
	if code := Run(t.Context(), args, nil, &out, &out, try); code != OK {
		t.Fatalf("exit code %d, %s", code, &out)
	}
	if want := `go run ./bench try -redis redis://…@127.0.0.1:6379 -limit '5/s burst 2' 'it'\''s'`; line != want {
		t.Errorf("got %s, want %s", line, want)
	}
}

// TestDescribeFlag: the help has a non-zero default exactly once, in the form that a user would type.
func TestDescribeFlag(t *testing.T) {
	for want, flag := range map[string]cli.Flag{
		"-n N\tso many N (the default is 6)":            &cli.IntFlag{Name: "n", Value: 6, Usage: "so many `N`"},
		"-n N\tso many N":                               &cli.IntFlag{Name: "n", Usage: "so many `N`"},
		"-t TIME\tfor a TIME (the default is 1m)":       &cli.DurationFlag{Name: "t", Value: time.Minute, Usage: "for a `TIME`"},
		"-t\tlong (the default is 1.5s)":                &cli.DurationFlag{Name: "t", Value: 1500 * time.Millisecond, Usage: "long"},
		"-s\tsome (the default is a,b)":                 &cli.StringSliceFlag{Name: "s", Value: []string{"a", "b"}, Usage: "some"},
		"-s\tsome\n  \t(the default is what it may be)": &cli.StringFlag{Name: "s", Value: "x", Usage: "some\n(the default is what it may be)"},
		"-b\tso": &cli.BoolFlag{Name: "b", Usage: "so"},
	} {
		if got := describeFlag(flag); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
