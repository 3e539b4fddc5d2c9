// Package command has the common parts of the commands of the program bench: how they are called, their help and their
// errors.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/urfave/cli/v3"
)

// Exit codes of Run.
const (
	OK          = 0
	Failed      = 1   // the command failed
	Misused     = 2   // the arguments are invalid
	Interrupted = 130 // by Ctrl-C, as a shell reports it
)

// description is the text of the program's help.
const description = `Usage: go run ./bench COMMAND [flags]      from the root of the repository

  go run ./bench compare                  compare the algorithms on five built-in traces
  go run ./bench compare -log access.log -limit 60/minute
                                          compare them on the log of a web server
  go run ./bench measure                  measure limiters on a server that it starts
  go run ./bench measure -redis redis://127.0.0.1:6379
                                          measure them on your server
  go run ./bench report run.txt           make a page of the results of measure -write
  go run ./bench http http://127.0.0.1:8080/ -n 100 -d 10s
                                          send requests to a URL and count the responses
  go run ./bench demo                     limit six processes in three ways
  go run ./bench help compare             show all flags of compare

Exit codes: 0 is success, 1 an error, 2 invalid arguments, 130 Ctrl-C. go run itself exits with 1
instead of 2 or 130, and prints "exit status 2" or the like.`

// Run runs the command that args name, and returns the exit code. If the command fails, Run writes the error as one line to
// stderr, and stdout has only the command's own output.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, commands ...*cli.Command) int {
	// FlagStringer is a variable of package cli, so it applies to all commands.
	cli.FlagStringer = describeFlag
	root := &cli.Command{
		Name:                          "bench",
		Usage:                         "compares rate limiters",
		Description:                   description,
		Commands:                      commands,
		Reader:                        stdin,
		Writer:                        stdout,
		ErrWriter:                     stderr,
		CustomRootCommandHelpTemplate: rootHelp,
		ExitErrHandler:                func(context.Context, *cli.Command, error) {},
		OnUsageError:                  misused,
		HideHelpCommand:               true,
		HideVersion:                   true,
		Metadata:                      map[string]any{argsKey: args},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if name := cmd.Args().First(); name != "" && name != "help" {
				return Misuse(cmd, "there is no command %q", name)
			}
			return cli.ShowRootCommandHelp(cmd)
		},
	}
	for _, cmd := range commands {
		cmd.CustomHelpTemplate = commandHelp
		cmd.OnUsageError = misused
	}
	if len(args) > 1 && args[0] == "help" {
		if args = args[1:2]; root.Command(args[0]) != nil {
			args = []string{args[0], "-h"}
		}
	}
	err := root.Run(ctx, append([]string{root.Name}, args...))
	if err == nil {
		return OK
	}
	code := Failed
	var misuse *misuseError
	switch {
	case errors.As(err, &misuse):
		code = Misused
	case ctx.Err() != nil:
		code = Interrupted
	}
	fmt.Fprintf(stderr, "%s: %s\n", root.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
	return code
}

// Line returns the command line with which cmd was called, for a shell. User names and passwords in URLs are replaced.
func Line(cmd *cli.Command) string {
	line := "go run ./bench"
	args, _ := cmd.Root().Metadata[argsKey].([]string)
	for _, arg := range args {
		if arg = passwords.ReplaceAllString(arg, "://…@"); strings.ContainsAny(arg, " \t\n\"'\\$&;|<>()*?#~`") || arg == "" {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		line += " " + arg
	}
	return line
}

const argsKey = "args"

var passwords = regexp.MustCompile(`://.*@`)

// misuseError is an error in the arguments.
type misuseError struct{ text string }

func (e *misuseError) Error() string { return e.text }

// Misuse returns the error for invalid arguments of cmd.
func Misuse(cmd *cli.Command, format string, args ...any) error {
	return &misuseError{fmt.Sprintf(format, args...) + " (" + cmd.FullName() + " -h lists the flags)"}
}

func misused(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	return Misuse(cmd, "%v", err)
}
