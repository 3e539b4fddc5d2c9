package django_test

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/bench/internal/httpload"
	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
	"github.com/go-weir/weir/slidinglog"
)

var update = flag.Bool("update", false, "write the outputs into the example's README.md")

// packagesOf returns the packages that the README installs, except the server.
func packagesOf(t *testing.T, readme string) []string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^sudo apt install redis-server (.*)$`).FindStringSubmatch(readme)
	if m == nil {
		t.Fatal("README.md does not say what to install")
	}
	return strings.Fields(m[1])
}

// wordsOf returns a command's words, without the quotes around some.
func wordsOf(command string) (words []string) {
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(command, -1) {
		words = append(words, strings.Trim(word, `"`))
	}
	return words
}

// shown is the address of the service in the README's commands.
const shown = "127.0.0.1:8000"

// testReadme runs each command that the README shows, and compares the output.
func (s *stopped) testReadme(t *testing.T) {
	text := readme(t)
	start := regexp.MustCompile(`(?m)^(API_KEYS=\S+) gunicorn (.*)$`).FindStringSubmatch(text)
	if start == nil {
		t.Fatal("README.md does not start the service")
	}
	name, value, _ := strings.Cut(start[1], "=")
	addr := s.python.serve(t, map[string]string{name: value, "REDIS_URL": "redis://" + s.server.Addr}, wordsOf(start[2])...)
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```\n")
	commands := 0
	got := blocks.ReplaceAllStringFunc(text, func(block string) string {
		var steps []string
		for _, step := range strings.Split("\n"+blocks.FindStringSubmatch(block)[1], "\n$ ")[1:] {
			command, _, _ := strings.Cut(step, "\n")
			steps = append(steps, "$ "+command+"\n"+run(t, addr, command))
			commands++
		}
		return "```console\n" + strings.Join(steps, "\n") + "```\n"
	})
	if commands == 0 {
		t.Error("README.md shows no commands")
	}
	s.testGo(t)
	date := regexp.MustCompile(`Date: .*`)
	if *update {
		if err := os.WriteFile(filepath.Join(repository, example, "README.md"), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got, want := date.ReplaceAllString(got, "Date:"), date.ReplaceAllString(text, "Date:"); got != want {
		t.Errorf("README.md shows another output than\n%s\n(go test ./bench/suites/django -update writes it)", got)
	}
}

// allowBooks is the Go service that the README shows.
func allowBooks(ctx context.Context, run scripts.Runner, user string) (algorithms.Result, error) {
	limiter, err := slidinglog.New(run, algorithms.PerMinute(5), algorithms.WithName("books"))
	if err != nil {
		return algorithms.Result{}, err
	}
	return limiter.Allow(ctx, "user:"+user) // of the user's five in both services
}

// testGo: allowBooks shares the counts with the service, which has already got the README's requests.
func (s *stopped) testGo(t *testing.T) {
	run, err := goredisrunner.New(s.redis)
	if err != nil {
		t.Fatal(err)
	}
	result, err := allowBooks(t.Context(), run, "bob")
	if err != nil || result.Remaining != 3 {
		t.Errorf("%+v, %v, want 3 left after one that the service and one that Go has admitted", result, err)
	}
	result, err = allowBooks(t.Context(), run, "alice")
	if err != nil || result.Allowed {
		t.Errorf("%+v, %v, want a denial after five that the service has admitted", result, err)
	}

	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```go\n(.*?)```\n").FindStringSubmatch(readme(t))
	if block == nil {
		t.Fatal("README.md shows no Go")
	}
	if !strings.Contains(string(source), block[1]) {
		t.Error("README.md shows another allowBooks than this file")
	}
}

// run runs a command and returns its output, which ends with a newline. It leaves out what bench http prints below its
// table, because that differs each time.
func run(t *testing.T, addr, line string) string {
	t.Helper()
	words := wordsOf(strings.ReplaceAll(line, shown, addr))
	var output string
	switch {
	case words[0] == "curl":
		output = curl(t, words[1:])
	case slices.Equal(words[:3], []string{"go", "run", "./bench"}):
		var stdout, stderr bytes.Buffer
		patient := slices.Concat(words[3:], []string{"-timeout", "5m"})
		if code := command.Run(t.Context(), patient, nil, &stdout, &stderr, httpload.Command()); code != command.OK {
			t.Fatalf("%s: exit code %d, %s", line, code, &stderr)
		}
		parts := strings.SplitAfterN(stdout.String(), "\n\n", 3)
		output = strings.TrimSuffix(strings.Join(parts[:2], ""), "\n")
	default:
		t.Fatalf("what is %q?", line)
	}
	return strings.ReplaceAll(output, addr, shown)
}

// curl does what curl -i does, with the options -X and -H.
func curl(t *testing.T, args []string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, args[len(args)-1], nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(args)-1; i++ {
		switch args[i] {
		case "-i":
		case "-X":
			i++
			request.Method = args[i]
		case "-H":
			i++
			field, value, _ := strings.Cut(args[i], ": ")
			request.Header.Set(field, value)
		default:
			t.Fatalf("what is %s of curl?", args[i])
		}
	}
	conn, err := net.Dial("tcp", request.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := request.Write(conn); err != nil {
		t.Fatal(err)
	}
	wire, err := io.ReadAll(conn) // until the service closes the connection
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(wire)), request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(wire), "\r\n\r\n")
	return strings.ReplaceAll(head, "\r\n", "\n") + "\n\n" + string(body) + "\n"
}
