package scripts_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

func TestEveryFileIsAScript(t *testing.T) {
	files, err := filepath.Glob("*.lua")
	if err != nil || len(files) != len(scripts.All()) {
		t.Errorf("%d Lua files, %d scripts, %v", len(files), len(scripts.All()), err)
	}
	for _, s := range scripts.All() {
		if !slices.Contains(files, s.Name()+".lua") {
			t.Errorf("script %s has no file", s.Name())
		}
	}
}

func TestSHA1(t *testing.T) {
	for _, s := range scripts.All() {
		sum := sha1.Sum([]byte(s.Source()))
		if computed := hex.EncodeToString(sum[:]); computed != s.SHA1() {
			t.Errorf("%s.lua has changed: its SHA1 is %s, embedded.go says %s", s.Name(), computed, s.SHA1())
		}
	}
	if s := scripts.New("one", "return 1"); s.Name() != "one" || s.Source() != "return 1" ||
		s.SHA1() != "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" {
		t.Errorf("New gives %+v", s)
	}
}

// contract is a header, read.
type contract struct {
	summary       string
	keys          []string
	args, reply   []string
	writes, lives bool
}

var (
	keyLine   = regexp.MustCompile(`^KEYS\[(\d+)\]  \S`)
	argLine   = regexp.MustCompile(`^ARGV\[(\d+)\]  (\w+)( |$)`)
	replyLine = regexp.MustCompile(`^(?:Reply   |        )  ?(\w+)( |$)`)
)

func readContract(t *testing.T, s *scripts.Script) (c contract, body string) {
	t.Helper()
	header, body, found := strings.Cut(s.Source(), "\n\n-- [")
	if !found {
		t.Fatalf("%s.lua: no chunk after the header", s.Name())
	}
	inReply := false
	for i, line := range strings.Split(header, "\n") {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "--"), " ")
		if i == 0 {
			c.summary = line
			continue
		}
		if m := keyLine.FindStringSubmatch(line); m != nil {
			c.keys = append(c.keys, m[1])
		}
		if m := argLine.FindStringSubmatch(line); m != nil {
			if m[1] != fmt.Sprint(len(c.args)+1) {
				t.Errorf("%s.lua: ARGV[%s] out of order", s.Name(), m[1])
			}
			c.args = append(c.args, m[2])
		}
		inReply = strings.HasPrefix(line, "Reply ") || inReply && strings.HasPrefix(line, "         ")
		if m := replyLine.FindStringSubmatch(line); inReply && m != nil {
			c.reply = append(c.reply, m[1])
		}
		c.writes = c.writes || strings.HasPrefix(line, "Writes ")
		c.lives = c.lives || strings.HasPrefix(line, "TTL ")
	}
	return c, "-- [" + body
}

func TestHeaders(t *testing.T) {
	for _, s := range scripts.All() {
		c, body := readContract(t, s)
		if !strings.HasPrefix(c.summary, s.Name()+".lua: ") {
			t.Errorf("%s.lua begins with %q", s.Name(), c.summary)
		}
		if !slices.Equal(c.keys, []string{"1"}) || !c.writes || !c.lives {
			t.Errorf("%s.lua: the header must tell of KEYS[1], Writes and TTL: %+v", s.Name(), c)
		}
		if !slices.Equal(c.args, s.Args()) {
			t.Errorf("%s.lua: arguments %v in the header, %v in embedded.go", s.Name(), c.args, s.Args())
		}
		if !slices.Equal(c.reply, s.Reply()) {
			t.Errorf("%s.lua: reply %v in the header, %v in embedded.go", s.Name(), c.reply, s.Reply())
		}
		for i := range len(c.args) {
			if !strings.Contains(body, fmt.Sprintf("ARGV[%d]", i+1)) {
				t.Errorf("%s.lua: ARGV[%d] is in the header and never used", s.Name(), i+1)
			}
		}
		if n := len(c.args) + 1; strings.Contains(body, fmt.Sprintf("ARGV[%d]", n)) {
			t.Errorf("%s.lua: ARGV[%d] is used and not in the header", s.Name(), n)
		}
	}
}

// TestPlainLua holds the scripts to what every server has: no shebang, no libraries beside Lua's own,
// and keys named where they are used.
func TestPlainLua(t *testing.T) {
	indirect := regexp.MustCompile(`KEYS(\[[^1]|[^\[])|ARGV(\[[^1-9]|[^\[])`)
	for _, s := range scripts.All() {
		_, body := readContract(t, s)
		for _, banned := range []string{"#!", "struct.", "bit.", "cmsgpack", "cjson", "table.maxn", "pcall", "replicate_commands"} {
			if strings.Contains(body, banned) {
				t.Errorf("%s.lua uses %s, which some servers don't have", s.Name(), banned)
			}
		}
		if found := indirect.FindString(body); found != "" {
			t.Errorf("%s.lua: %q is no literal KEYS[1] or ARGV[i]", s.Name(), found)
		}
	}
}

var serverCall = regexp.MustCompile(`redis\.call\('(\w+)'`)

// chunk returns the part of a body under the title, up to the next title.
func chunk(t *testing.T, body, title string) string {
	t.Helper()
	_, after, found := strings.Cut(body, "-- ["+title+"]\n")
	if !found {
		t.Fatalf("no chunk [%s]", title)
	}
	text, _, _ := strings.Cut(after, "-- [")
	return text
}

// TestPeeks holds each read-only script to be its decision without what that commits, to the letter.
func TestPeeks(t *testing.T) {
	reads := []string{"TIME", "GET", "LINDEX"}
	for decision, peek := range map[*scripts.Script]*scripts.Script{
		scripts.GCRA: scripts.GCRAPeek, scripts.FixedWindow: scripts.FixedWindowPeek, scripts.SlidingLog: scripts.SlidingLogPeek,
	} {
		_, body := readContract(t, decision)
		_, peekBody := readContract(t, peek)
		commit := "-- [commit]\n" + chunk(t, body, "commit")
		if want := strings.Replace(body, commit, "", 1); peekBody != want {
			t.Errorf("%s.lua is not %s.lua without its [commit]", peek.Name(), decision.Name())
		}
		for _, command := range serverCall.FindAllStringSubmatch(peekBody, -1) {
			if !slices.Contains(reads, command[1]) {
				t.Errorf("%s.lua calls %s", peek.Name(), command[1])
			}
		}
		if !slices.Equal(decision.Args(), peek.Args()) || !slices.Equal(decision.Reply(), peek.Reply()) {
			t.Errorf("%s and %s are not called alike", decision.Name(), peek.Name())
		}
	}
}

// TestSharedChunks holds the scripts that read a stored time to read it alike.
func TestSharedChunks(t *testing.T) {
	_, gcra := readContract(t, scripts.GCRA)
	_, queue := readContract(t, scripts.Queue)
	if chunk(t, gcra, "state") != chunk(t, queue, "state") {
		t.Error("the chunks [state] of gcra.lua and queue.lua differ")
	}
}

func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts.All() {
		_, section, found := strings.Cut(string(text), "\n## "+strings.Replace(s.Name(), "_peek", "", 1)+".lua")
		if !found {
			t.Errorf("no section on %s.lua", s.Name())
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for _, name := range append(s.Args(), s.Reply()...) {
			if !strings.Contains(section, "`"+name+"`") {
				t.Errorf("the section on %s.lua says nothing of %s", s.Name(), name)
			}
		}
		if !strings.Contains(section, "$ redis-cli --eval "+s.Name()+".lua ") {
			t.Errorf("no redis-cli session of %s.lua", s.Name())
		}
	}
}

func TestReadmeSessions(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, conn := resptest.Miniredis(t)
	conn.Sessions(t, string(text), func(file string) string {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(source)
	})
}

func TestCheckReply(t *testing.T) {
	for _, test := range []struct {
		script *scripts.Script
		good   [][]int64
		bad    [][]int64
	}{
		{scripts.GCRA, [][]int64{{1}, {1, 2}}, [][]int64{nil, {1, 2, 3}}},
		{scripts.FixedWindow, [][]int64{{1, 2}}, [][]int64{nil, {1}, {1, 2, 3}}},
	} {
		for _, reply := range test.good {
			if err := test.script.CheckReply(reply); err != nil {
				t.Error(err)
			}
		}
		for _, reply := range test.bad {
			if err := test.script.CheckReply(reply); !errors.Is(err, scripts.ErrReply) {
				t.Errorf("%s, %v: %v, want ErrReply", test.script.Name(), reply, err)
			}
		}
	}
}

// TestForeignState: a key that holds something else is an error that says so, and stays as it is.
func TestForeignState(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	args := map[string][]string{
		"gcra": {"1", "5"}, "queue": {"1", "5"},
		"fixedwindow": {"1", "5", "1000"}, "slidinglog": {"1", "5", "1000", ""},
	}
	for _, s := range scripts.All() {
		args, decides := args[strings.TrimSuffix(s.Name(), "_peek")]
		if !decides {
			continue
		}
		for _, foreign := range [][]string{{"SET", "k", "something else"}, {"RPUSH", "k", "something", "else"}, {"RPUSH", "k", "13 bytes long", "short"}, {"RPUSH", "k", "short", "nine long"}, {"SADD", "k", "something"}} {
			if _, err := conn.Do("DEL", "k"); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Do(foreign...); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Run(context.Background(), s, []string{"k"}, args)
			if err == nil || !strings.Contains(err.Error(), "WRONGTYPE") && !strings.HasPrefix(err.Error(), "WEIRSTATE ") {
				t.Errorf("%s on the key of %v: error %v, want WRONGTYPE or WEIRSTATE", s.Name(), foreign, err)
			}
			if kind, err := conn.Do("TYPE", "k"); err != nil || kind == "none" {
				t.Errorf("%s removed the key of %v: %v", s.Name(), foreign, err)
			}
		}
	}
}
