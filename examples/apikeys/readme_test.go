package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-weir/weir/algorithms/limitertest"
)

// TestReadme runs the commands of README.md, and compares the output of each with the one that README.md shows: the lines as
// they come over the wire. Values that are different each time, such as keys and dates, are masked.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := &session{T: t, clock: limitertest.NewClock(noon), shown: map[string]string{}, told: map[string]string{}, is: map[string]string{}}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for _, step := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, shown, _ := strings.Cut(step, "\n")
			got := s.run(command)
			s.remember(s.shown, shown)
			s.remember(s.told, got)
			if got, want := mask(got), mask(shown); got != want {
				t.Errorf("$ %s\ngives\n%s\nwhere README.md shows\n%s", command, got, want)
			}
			commands++
		}
	}
	if commands < 10 {
		t.Errorf("README.md shows %d commands", commands)
	}
}

// A session runs the commands as a shell would.
type session struct {
	*testing.T
	clock *limitertest.Clock
	host  string            // of the service that was started last
	shown map[string]string // the key and the token that README.md showed last, by the name of their variable
	told  map[string]string // those that the service really returned last
	is    map[string]string // the values that were assigned to the variables
}

var (
	program    = regexp.MustCompile(`^go run ./examples/apikeys ?(.*)$`)
	assignment = regexp.MustCompile(`^(KEY|TOKEN)=(\S+)$`)
	loop       = regexp.MustCompile(`^for i in \$\(seq (\d+)\); do (curl .*); done \| sort \| uniq -c$`)
)

func (s *session) run(command string) (output string) {
	s.Helper()
	if match := program.FindStringSubmatch(command); match != nil {
		s.host = strings.TrimPrefix(start(s.T, s.clock, strings.Fields(match[1])...), "http://")
		return ""
	}
	if match := assignment.FindStringSubmatch(command); match != nil {
		if s.shown[match[1]] != match[2] {
			s.Errorf("README.md has %s, but before it shows %q", command, s.shown[match[1]])
		}
		s.is[match[1]] = s.told[match[1]]
		return ""
	}
	if match := loop.FindStringSubmatch(command); match != nil {
		times, _ := strconv.Atoi(match[1])
		return s.count(times, match[2])
	}
	return s.curl(command)
}

// count runs a command several times and counts equal outputs, as sort and uniq -c do.
func (s *session) count(times int, command string) string {
	s.Helper()
	counts := map[string]int{}
	for range times {
		counts[s.curl(command)]++
	}
	var lines strings.Builder
	for status := range 600 { // in ascending order
		if line := fmt.Sprintln(status); counts[line] > 0 {
			fmt.Fprintf(&lines, "%7d %s", counts[line], line)
		}
	}
	return lines.String()
}

// curl does the same as the program curl with the options that README.md uses, and returns what curl would print.
func (s *session) curl(command string) string {
	s.Helper()
	method, url, body, authorization, format := http.MethodGet, "", "", "", "%body"
	words := s.words(command)
	if len(words) == 0 || words[0] != "curl" {
		s.Fatalf("what is %q?", command)
	}
	for i := 1; i < len(words); i++ {
		value := func() string { i++; return words[i] }
		switch word := words[i]; word {
		case "-s":
		case "-i":
			format = "%wire"
		case "-X":
			method = value()
		case "-d":
			method, body = http.MethodPost, value()
		case "-H":
			authorization = strings.TrimPrefix(value(), "Authorization: ")
		case "-o":
			value()
		case "-w":
			format = value()
		default:
			url = strings.Replace(word, "localhost:8080", "http://"+s.host, 1)
		}
	}
	request, err := http.NewRequestWithContext(s.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	status, wire, reply := s.exchange(request)
	return strings.NewReplacer("%body", reply, "%wire", wire, "%{http_code}", strconv.Itoa(status), `\n`, "\n").Replace(format)
}

// words splits a command into words as a shell does, and replaces variables by their values.
func (s *session) words(command string) (words []string) {
	for _, word := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(command, -1) {
		if !strings.HasPrefix(word, "'") {
			word = os.Expand(word, func(name string) string { return s.is[name] })
		}
		words = append(words, strings.Trim(word, `'"`))
	}
	return words
}

// exchange sends the request, and returns the response: its status, its text as it comes over the wire, and its body.
func (s *session) exchange(request *http.Request) (status int, wire, body string) {
	s.Helper()
	conn, err := net.Dial("tcp", s.host)
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	if err := request.Write(conn); err != nil {
		s.Fatal(err)
	}
	var all bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &all)), request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response.StatusCode, strings.ReplaceAll(all.String(), "\r\n", "\n"), string(text)
}

var secrets = regexp.MustCompile(`"(api_key|access_token)":"([^"]*)"`)

// remember keeps the key and the token of an output.
func (s *session) remember(in map[string]string, output string) {
	for _, match := range secrets.FindAllStringSubmatch(output, -1) {
		in[map[string]string{"api_key": "KEY", "access_token": "TOKEN"}[match[1]]] = match[2]
	}
}

var varying = []struct {
	this *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`weir_[0-9a-f]{64}`), "weir_KEY"},
	{regexp.MustCompile(`weir_[0-9a-f]{4}\.\.\.[0-9a-f]{4}`), "weir_HINT"},
	{regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]{43}`), "TOKEN"},
	{regexp.MustCompile(`Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`), "Date: DATE"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
	{regexp.MustCompile(`((?:Retry-After|X-Ratelimit-Reset): |in )\d\d( seconds)?`), "${1}N${2}"},
}

// mask replaces values that are different each time by their names.
func mask(output string) string {
	for _, v := range varying {
		output = v.this.ReplaceAllString(output, v.is)
	}
	return strings.TrimRight(output, "\n")
}
