package httpload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/net/http/httpguts"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/progress"
	"github.com/go-weir/weir/bench/internal/wholefile"
)

const description = `It sends requests to a URL and counts the responses by status. By default the requests are sent
at a constant rate, even if earlier ones have not been answered. With -c each of a number of
connections sends the next request as soon as the last one is answered. Requests are HTTP/1.1.
Proxies are not used, and redirects are not followed.

  go run ./bench http http://127.0.0.1:8080/
  go run ./bench http http://127.0.0.1:8080/ -n 100 -d 10s
  go run ./bench http http://127.0.0.1:8080/ -c 64 -d 60s
  go run ./bench http http://127.0.0.1:8080/ -H "Authorization: Api-Key 7d3f" -method POST

After Ctrl-C the results so far are printed.`

// The largest values of the flags.
const (
	mostRequests    = 1_000_000
	mostConnections = 10_000
	longest         = 24 * time.Hour
)

// Command returns the command http.
func Command() *cli.Command {
	return &cli.Command{
		Name:                      "http",
		Usage:                     "sends requests to a URL and counts the responses",
		Description:               description,
		DisableSliceFlagSeparator: true, // a header field may hold commas
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "n", Value: 100, Usage: "send this number of `REQUESTS`, evenly over the time of -d (the default is 100)"},
			&cli.IntFlag{Name: "c", Usage: "send from this number of `CONNECTIONS` without pause, instead of -n"},
			&cli.DurationFlag{Name: "d", Value: 10 * time.Second, Usage: "send for this `TIME`, such as 500ms or 1m (the default is 10s)"},
			&cli.StringSliceFlag{Name: "H", Usage: "a `FIELD` of the header, such as \"Authorization: Api-Key 7d3f\"; can be given\nseveral times"},
			&cli.StringFlag{Name: "method", Value: http.MethodGet, Usage: "the `METHOD` (the default is GET)"},
			&cli.DurationFlag{Name: "timeout", Value: 30 * time.Second, Usage: "wait this `TIME` for a response (the default is 30s)"},
			&cli.StringFlag{Name: "json", Usage: "also write the results to this `FILE`, as JSON"},
		},
		Action: action,
	}
}

func action(ctx context.Context, cmd *cli.Command) error {
	load, err := read(cmd)
	if err != nil {
		return err
	}
	path := cmd.String("json")
	if path != "" { // report an error before the load is sent
		if err := wholefile.Writable(path); err != nil {
			return err
		}
	}
	r, err := measure(ctx, load, cmd.Root().ErrWriter)
	if err != nil {
		return err
	}
	if r.Requests > 0 {
		err = r.write(cmd.Root().Writer, path)
	}
	switch {
	case r.Interrupted:
		return errors.Join(err, errors.New("interrupted"))
	case r.Answered == 0:
		return errors.Join(err, errors.New("no request was answered: "+strings.Join(slices.Sorted(maps.Keys(r.Errors)), ", ")))
	}
	return err
}

// measure runs the load, and shows its progress.
func measure(ctx context.Context, load Load, shown io.Writer) (*report, error) {
	if err := load.Reach(ctx); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		return nil, err
	}
	steps := load.Requests
	if load.Connections > 0 {
		steps = progress.Unknown
	}
	bar := progress.Start(shown, steps)
	defer bar.End()
	r := newReport(load)
	load.Run(ctx, func(result *Result) {
		r.add(result)
		bar.Step(1)
	})
	r.Interrupted = ctx.Err() != nil
	r.finish()
	return r, nil
}

// write prints the report, and writes it as JSON to the file at path, if there is one.
func (r *report) write(out io.Writer, path string) error {
	_, err := io.WriteString(out, r.text())
	if path == "" {
		return err
	}
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if failed := encoder.Encode(r); failed != nil {
		return errors.Join(err, failed)
	}
	return errors.Join(err, wholefile.Write(wholefile.File{Path: path, Data: document.Bytes()}))
}

// read reads the arguments.
func read(cmd *cli.Command) (l Load, err error) {
	if cmd.NArg() != 1 {
		return l, command.Misuse(cmd, "want one URL, got %q", cmd.Args().Slice())
	}
	l = Load{
		Method: cmd.String("method"), Timeout: cmd.Duration("timeout"),
		Requests: cmd.Int("n"), Over: cmd.Duration("d"),
	}
	switch {
	case l.Requests < 1 || l.Requests > mostRequests:
		return l, command.Misuse(cmd, "-n: %d, want 1 to %d", l.Requests, mostRequests)
	case l.Over < time.Millisecond || l.Over > longest:
		return l, command.Misuse(cmd, "-d: %v, want 1ms to 24h", l.Over)
	case l.Timeout < time.Millisecond || l.Timeout > longest:
		return l, command.Misuse(cmd, "-timeout: %v, want 1ms to 24h", l.Timeout)
	case cmd.IsSet("c") && cmd.IsSet("n"):
		return l, command.Misuse(cmd, "want only one of -n and -c")
	case cmd.IsSet("c"):
		l.Connections, l.For, l.Requests, l.Over = cmd.Int("c"), l.Over, 0, 0
		if l.Connections < 1 || l.Connections > mostConnections {
			return l, command.Misuse(cmd, "-c: %d, want 1 to %d", l.Connections, mostConnections)
		}
	}
	if l.URL, err = parseURL(cmd.Args().First()); err != nil {
		return l, command.Misuse(cmd, "%v", err)
	}
	if l.Header, err = parseHeader(cmd.StringSlice("H")); err != nil {
		return l, command.Misuse(cmd, "-H: %v", err)
	}
	if _, err := http.NewRequest(l.Method, l.URL.String(), nil); err != nil {
		return l, command.Misuse(cmd, "-method: %v", err)
	}
	return l, nil
}

// parseURL parses a URL. Its error doesn't contain the text, which may contain a password.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("not a valid URL, want http://HOST:PORT/PATH or https://…")
	}
	return u, nil
}

func parseHeader(fields []string) (http.Header, error) {
	header := http.Header{}
	for _, field := range fields {
		name, value, found := strings.Cut(field, ":")
		value = strings.TrimSpace(value)
		if !found || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("%q is not a header field, want NAME: VALUE", field)
		}
		header.Add(name, value)
	}
	return header, nil
}
