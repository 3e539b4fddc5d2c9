package resptest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// Sessions runs the redis-cli sessions in a text's console blocks and fails the test if a reply
// isn't what the text shows. Source returns the text of a Lua file that --eval names.
func (c *Conn) Sessions(tb testing.TB, text string, source func(file string) string) {
	tb.Helper()
	blocks := consoleBlock.FindAllStringSubmatch(text, -1)
	if len(blocks) == 0 {
		tb.Fatal("no console block in the text")
	}
	for _, block := range blocks {
		for _, step := range strings.Split(block[1], "$ redis-cli ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			reply, err := c.Do(words(command, source)...)
			if err != nil {
				tb.Errorf("redis-cli %s: %v", command, err)
			} else if got := formatted(reply); got != strings.TrimRight(want, "\n") {
				tb.Errorf("redis-cli %s\ngives\n%s\nthe text shows\n%s", command, got, want)
			}
		}
	}
}

// words returns the command that a line of redis-cli arguments sends.
func words(line string, source func(file string) string) []string {
	args := strings.Fields(line)
	for i, arg := range args {
		args[i] = strings.Trim(arg, "'")
	}
	if args[0] != "--eval" {
		return args
	}
	keys, argv := args[2:], []string(nil)
	for i, arg := range keys {
		if arg == "," {
			keys, argv = keys[:i], keys[i+1:]
			break
		}
	}
	command := append([]string{"EVAL", source(args[1]), fmt.Sprint(len(keys))}, keys...)
	return append(command, argv...)
}

// formatted writes a reply as redis-cli shows it on a terminal.
func formatted(reply any) string {
	switch r := reply.(type) {
	case int64:
		return fmt.Sprintf("(integer) %d", r)
	case string:
		if r == "OK" { // a status
			return r
		}
		return quoted(r)
	case []any:
		lines := make([]string, len(r))
		for i, item := range r {
			lines[i] = fmt.Sprintf("%d) %s", i+1, formatted(item))
		}
		return strings.Join(lines, "\n")
	}
	return "(nil)"
}

func quoted(s string) string {
	var q strings.Builder
	for _, b := range []byte(s) {
		if b >= ' ' && b <= '~' {
			q.WriteByte(b)
		} else {
			fmt.Fprintf(&q, `\x%02x`, b)
		}
	}
	return `"` + q.String() + `"`
}
