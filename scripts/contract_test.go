package scripts_test

import (
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
	"github.com/go-weir/weir/scripts/internal/assemble"
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

// contract is the content of a header.
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
	for _, s := range single() {
		c, body := readContract(t, s)
		if !strings.HasPrefix(c.summary, s.Name()+".lua: ") {
			t.Errorf("%s.lua begins with %q", s.Name(), c.summary)
		}
		if !slices.Equal(c.keys, []string{"1", "2"}[:keysOf(s)]) || !c.writes || !c.lives {
			t.Errorf("%s.lua: the header must tell of %d KEYS, Writes and TTL: %+v", s.Name(), keysOf(s), c)
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

// TestPlainLua tests that the scripts use only features that every server has: no shebang, and no libraries except Lua's
// own. A script of one request must use its keys and arguments as literal KEYS[i] and ARGV[i].
func TestPlainLua(t *testing.T) {
	indirect := regexp.MustCompile(`KEYS(\[[^12]|[^\[])|ARGV(\[[^1-9]|[^\[])`)
	for _, s := range scripts.All() {
		_, body := readContract(t, s)
		for _, banned := range []string{"#!", "struct.", "bit.", "cmsgpack", "cjson", "table.maxn", "replicate_commands"} {
			if strings.Contains(body, banned) {
				t.Errorf("%s.lua uses %s, which some servers don't have", s.Name(), banned)
			}
		}
		if found := indirect.FindString(body); found != "" && slices.Contains(single(), s) {
			t.Errorf("%s.lua: %q is no literal KEYS[i] or ARGV[i]", s.Name(), found)
		}
		if strings.Contains(body, "KEYS[2]") != (keysOf(s) == 2) {
			t.Errorf("%s.lua has not the keys of its header", s.Name())
		}
	}
}

// keysOf returns how many keys a script of one request has.
func keysOf(s *scripts.Script) int {
	if s == scripts.GCRAReserve || s == scripts.GCRASettle {
		return 2
	}
	return 1
}

var serverCall = regexp.MustCompile(`redis\.call\('(\w+)'`)

// TestGenerated tests that the files are what the generator makes of the fragments.
func TestGenerated(t *testing.T) {
	texts, err := assemble.Scripts(os.DirFS("src"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts.All() {
		if s.Source() != texts[s.Name()+".lua"] {
			t.Errorf("%s.lua is not what go generate ./scripts makes", s.Name())
		}
	}
	if len(texts) != len(scripts.All()) {
		t.Errorf("%d files are generated for %d scripts", len(texts), len(scripts.All()))
	}
}

// TestPeeks: the scripts that peek call no command that writes, and have the arguments of those that decide.
func TestPeeks(t *testing.T) {
	reads := []string{"TIME", "GET", "LINDEX", "ZCOUNT", "ZRANGE"}
	for decision, peek := range map[*scripts.Script]*scripts.Script{
		scripts.GCRA: scripts.GCRAPeek, scripts.FixedWindow: scripts.FixedWindowPeek, scripts.SlidingLog: scripts.SlidingLogPeek,
		scripts.AllOf:           scripts.AllOfPeek,
		scripts.InflightAcquire: scripts.InflightPeek,
	} {
		_, peekBody := readContract(t, peek)
		for _, command := range serverCall.FindAllStringSubmatch(peekBody, -1) {
			if !slices.Contains(reads, command[1]) {
				t.Errorf("%s.lua calls %s", peek.Name(), command[1])
			}
		}
		if decision != scripts.InflightAcquire && !slices.Equal(decision.Args(), peek.Args()) || !slices.Equal(decision.Reply(), peek.Reply()) {
			t.Errorf("%s and %s are not called alike", decision.Name(), peek.Name())
		}
	}
}

// single returns the scripts of one request for one key. The scripts of many requests have a contract of their own, and so
// have those of several limits.
func single() []*scripts.Script {
	return slices.DeleteFunc(scripts.All(), func(s *scripts.Script) bool {
		return strings.HasSuffix(s.Name(), "_many") || strings.HasPrefix(s.Name(), "allof")
	})
}

func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range single() {
		heading := regexp.MustCompile(`\n## (.*, )?` + s.Name() + `\.lua`).FindIndex(text)
		if heading == nil {
			t.Errorf("no section on %s.lua", s.Name())
			continue
		}
		section, _, _ := strings.Cut(string(text[heading[1]:]), "\n## ")
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
		{scripts.Queue, [][]int64{{1}, {1, 2}, {1, 2, 3, 4}}, [][]int64{nil, {1, 2, 3}, {1, 2, 3, 4, 5}}},
		{scripts.FixedWindow, [][]int64{{1}, {1, 2}}, [][]int64{nil, {1, 2, 3}}},
		{scripts.SlidingLogPeek, [][]int64{{1, 2, 3}}, [][]int64{nil, {1}, {1, 2}}},
		{scripts.InflightAcquire, [][]int64{{1, 2, 3}}, [][]int64{nil, {1}, {1, 2}}},
		{scripts.InflightRenew, [][]int64{{1}}, [][]int64{nil, {1, 2}}},
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
