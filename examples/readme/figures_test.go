package readme_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// numbers returns the numbers that a pattern's groups find in a text, commas left out, of each match.
func numbers(t *testing.T, text, pattern string) (found [][]float64) {
	t.Helper()
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		var row []float64
		for _, group := range match[1:] {
			n, err := strconv.ParseFloat(strings.ReplaceAll(group, ",", ""), 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, n)
		}
		found = append(found, row)
	}
	if len(found) == 0 {
		t.Fatalf("no match of %s", pattern)
	}
	return found
}

// near reports whether two figures are the same but for rounding, and for the 1 % by which counts of instructions differ.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.01*b }

// counted says which cases of bench/instructions/baseline.txt the rows of docs/performance.md show, in their order. Several in
// one figure are added.
var counted = []struct{ section, row, cases string }{
	{"Several limits as one", "gcra twice", "allof-gcra-gcra/new allof-gcra-gcra/busy allof-gcra-gcra/denied gcra/busy+gcra/busy"},
	{"Several limits as one", "gcra three times", "allof-gcra-gcra-gcra/new allof-gcra-gcra-gcra/busy allof-gcra-gcra-gcra/denied gcra/busy+gcra/busy+gcra/busy"},
	{"Several limits as one", "gcra and fixedwindow", "allof-gcra-fixedwindow/new allof-gcra-fixedwindow/busy allof-gcra-fixedwindow/denied gcra/busy+fixedwindow/open"},
	{"Several limits as one", "gcra and slidinglog", "allof-gcra-slidinglog/new allof-gcra-slidinglog/busy allof-gcra-slidinglog/denied gcra/busy+slidinglog/busy"},
	{"Parts of a request, and charges that are settled", "gcra", "gcra_most/busy gcra_reserve/busy gcra_settle/canceled"},
	{"Parts of a request, and charges that are settled", "fixedwindow", "fixedwindow_most/open fixedwindow_reserve/open fixedwindow_settle/canceled"},
	{"Parts of a request, and charges that are settled", "slidinglog", "slidinglog_most/busy slidinglog_reserve/busy slidinglog_settle/canceled"},
	{"Leases", "Acquire", "inflight_acquire/new inflight_acquire/busy inflight_acquire/denied"},
	{"Leases", "Renew", "inflight_renew/busy"},
	{"Leases", "Peek", "inflight_peek/busy inflight_peek/denied"},
}

// TestCounted compares the figures of docs/performance.md with the counts in bench/instructions/baseline.txt.
func TestCounted(t *testing.T) {
	counts := map[string]float64{}
	for _, match := range regexp.MustCompile(`(?m)^redis-7\.0 (\S+) (\d+)$`).FindAllStringSubmatch(read(t, root+"/bench/instructions/baseline.txt"), -1) {
		count, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		counts[match[1]] = count / 1000
	}
	performance := read(t, root+"/docs/performance.md")
	cell := regexp.MustCompile(`\| ([\d.]+) `)
	for _, c := range counted {
		_, section, _ := strings.Cut(performance, "\n## "+c.section+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		said := regexp.MustCompile(`(?m)^\| `+c.row+` \|.*$`).FindAllString(section, -1)
		if len(said) != 1 {
			t.Errorf("the section %q has the rows %q for %q, want one row", c.section, said, c.row)
			continue
		}
		shown := cell.FindAllStringSubmatch(said[0], -1)
		for i, names := range strings.Fields(c.cases) {
			want := 0.0
			for _, name := range strings.Split(names, "+") {
				if counts[name] == 0 {
					t.Errorf("baseline.txt has no count of %s", name)
				}
				want += counts[name]
			}
			if i >= len(shown) {
				t.Errorf("the row %q has no figure for %s", said[0], names)
			} else if got, err := strconv.ParseFloat(shown[i][1], 64); err != nil || !near(got, want) {
				t.Errorf("%q: %s is %v, want %.1f as in baseline.txt", said[0], names, got, want)
			}
		}
	}
}

// TestFigures compares the figures in the README with the files that they come from.
func TestFigures(t *testing.T) {
	readme := read(t, root+"/README.md")
	performance := read(t, root+"/docs/performance.md")

	cost := numbers(t, readme, `Redis 7\.0 executes ([\d,]+) instructions with Weir and ([\d,]+) with\s+redis_rate\. To deny one, it executes ([\d,]+) and ([\d,]+)`)[0]
	baseline := read(t, root+"/bench/instructions/baseline.txt")
	busy := numbers(t, baseline, `redis-7\.0 gcra/busy (\d+)`)[0][0]
	denied := numbers(t, baseline, `redis-7\.0 gcra/denied (\d+)`)[0][0]
	peer := numbers(t, performance, `(?m)^\| redis_rate \| \| [\d.]+ \| ([\d.]+) \| ([\d.]+) \|$`)[0]
	if want := []float64{busy, 1000 * peer[0], denied, 1000 * peer[1]}; !near(cost[0], want[0]) || !near(cost[1], want[1]) ||
		!near(cost[2], want[2]) || !near(cost[3], want[3]) {
		t.Errorf("README.md says %v instructions, measured were %v", cost, want)
	}

	measured := numbers(t, performance, "(?m)^\\| `weir-gcra-coalesce` ÷ `redis_rate` \\| ([\\d.]+) to ([\\d.]+) \\|")[0]
	if said := numbers(t, readme, `makes ([\d.]+) to ([\d.]+) times as many`)[0]; !near(said[0], measured[0]) || !near(said[1], measured[1]) {
		t.Errorf("README.md says %v times as many decisions, measured were %v", said, measured)
	}

	// Of all cases: decisions, failed calls, of them ran, and then what must be 0.
	proof := numbers(t, read(t, root+"/bench/PROOF.md"), `(?m)^\| all \| (\d+) \| \d+ \| \d+ \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|`)[0]
	if said := numbers(t, readme, `More than (\d+) million decisions`)[0][0]; proof[0] < said*1e6 {
		t.Errorf("README.md says more than %v million decisions, the proof has %v", said, proof[0])
	}
	for _, wrong := range proof[1:] {
		if wrong != 0 {
			t.Errorf("the proof has wrong decisions: %v", proof)
		}
	}
}
