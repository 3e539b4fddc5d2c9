package report

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
	"github.com/go-weir/weir/bench/shared/round"
)

var update = flag.Bool("update", false, "write the files that hold expected output")

// twoRuns are two small runs on the same server.
func twoRuns() []Input {
	shape := resultstest.Shape{Server: "Redis 7.0.15", Denials: []float64{90}, Goroutines: []int{1, 64}}
	var inputs []Input
	for i, path := range []string{"runs/first.json", "runs/second.json"} {
		shape.Seed = uint64(i + 1)
		inputs = append(inputs, Input{path, shape.Run()})
	}
	return inputs
}

// reportOf returns the report of all limiters.
func reportOf(t *testing.T, inputs ...Input) Report {
	t.Helper()
	r, err := New(inputs, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGolden(t *testing.T) {
	inputs := twoRuns()
	inputs[1].Run.Command = "go run ./bench measure -json second.json"
	inputs[1].Run.Interrupted = true
	inputs[1].Run.Warnings = []string{"the machine had other things to do"}
	slow := &inputs[1].Run.Cells[0].Results[2] // redis_rate at 1 goroutine
	for i := range slow.Rounds {
		slow.Rounds[i].P99 *= 1.2
	}
	failed := &inputs[0].Run.Cells[1].Results[3]
	failed.Failed, failed.FirstFailure = failed.Calls/2, "a key | with `a bar`"
	got := reportOf(t, inputs...).Markdown("")
	file := filepath.Join("testdata", "two.md")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s (or run go test -update)\n%s", got, file, want)
	}
	for line := range strings.Lines(got) {
		if strings.HasSuffix(line, " \n") {
			t.Errorf("line ends with a space: %q", line)
		}
	}
}

// TestEveryRatio checks that the Markdown of a full run has each ratio to the baseline in it, that of a
// peer which is faster like that of one which is slower.
func TestEveryRatio(t *testing.T) {
	run := resultstest.Full("Redis 7.0.15", 1)
	for _, cell := range run.Cells {
		for i := range cell.Results[2].Rounds {
			cell.Results[2].Rounds[i].Throughput *= 3
		}
	}
	r := reportOf(t, Input{"run.json", run})
	document := r.Markdown("")
	for _, cell := range run.Cells {
		_, section, found := strings.Cut(document, "### "+escapeMarkdown(loadKind(cell.Load()))+"\n")
		section, _, _ = strings.Cut(section, "\n### ")
		if !found {
			t.Fatalf("there is no section of %+v", cell.Load())
		}
		for _, result := range cell.Results {
			if result.Limiter == r.Baseline {
				continue
			}
			for _, m := range []shownMeasure{throughput, p50, p99, serverCPU} {
				want := spread(run.Ratio(cell.Load(), result.Limiter, r.Baseline, m.Measure))
				_, rows, _ := strings.Cut(section, "**"+m.title+"**")
				_, row, _ := strings.Cut(rows, "| `"+result.Limiter+"`")
				row, _, _ = strings.Cut(row, "\n")
				if !strings.Contains(row, want) {
					t.Errorf("%+v, %s, %s: the row is %q, want %s in it", cell.Load(), result.Limiter, m.Name, row, want)
				}
			}
		}
	}
	if want := "| `redis_rate`             |   0.42 |"; !strings.Contains(document, want) {
		t.Errorf("want %q, that Weir is slower than a peer, in\n%s", want, document[:2000])
	}
	if want := "**" + spread(run.Ratio(run.Cells[0].Load(), "redis_rate", r.Baseline, results.Throughput)) + "**"; !strings.Contains(document, want) {
		t.Errorf("want %s, in bold, since it is better", want)
	}
	if len(document) > 200_000 {
		t.Errorf("the document has %d bytes", len(document))
	}
}

func TestNew(t *testing.T) {
	small := func() results.Run { return resultstest.Small("Redis 7.0.15", 1) }
	without := func(names ...string) results.Run {
		run := small()
		drop := func(name string) bool { return slices.Contains(names, name) }
		for i := range run.Cells {
			run.Cells[i].Results = slices.DeleteFunc(run.Cells[i].Results, func(r results.Result) bool { return drop(r.Limiter) })
		}
		run.Memory = slices.DeleteFunc(run.Memory, func(m results.Memory) bool { return drop(m.Limiter) })
		run.Accuracy = slices.DeleteFunc(run.Accuracy, func(a results.Accuracy) bool { return drop(a.Limiter) })
		return run
	}
	memoryOnly := small()
	memoryOnly.Cells, memoryOnly.Accuracy = nil, nil
	for name, test := range map[string]struct {
		runs     []results.Run
		baseline string
		only     []string
		want     string // the limiters, or the error
	}{
		"all":              {[]results.Run{small()}, "", nil, "weir-gcra weir-gcra-rueidis redis_rate rueidislimiter floor-gcra"},
		"other baseline":   {[]results.Run{small()}, "redis_rate", nil, "redis_rate weir-gcra weir-gcra-rueidis rueidislimiter floor-gcra"},
		"only":             {[]results.Run{small()}, "redis_rate", []string{"weir-gcra"}, "redis_rate weir-gcra"},
		"no default":       {[]results.Run{without("weir-gcra")}, "", nil, "weir-gcra-rueidis redis_rate rueidislimiter floor-gcra"},
		"no default, only": {[]results.Run{without("weir-gcra")}, "", []string{"rueidislimiter", "redis_rate"}, "rueidislimiter redis_rate"},
		"several":          {[]results.Run{without("redis_rate"), small()}, "", nil, "weir-gcra weir-gcra-rueidis rueidislimiter floor-gcra redis_rate"},
		"in common": {
			[]results.Run{without("weir-gcra"), without("weir-gcra-rueidis", "redis_rate")}, "", nil,
			"rueidislimiter weir-gcra-rueidis redis_rate floor-gcra weir-gcra",
		},
		"memory only": {[]results.Run{memoryOnly}, "", nil, "weir-gcra weir-gcra-rueidis redis_rate rueidislimiter"},
		"no result":   {[]results.Run{{}}, "", nil, "0.json holds no result"},
		"unknown":     {[]results.Run{small()}, "", []string{"ulule"}, `there is no result of "ulule"; there are weir-gcra, weir-gcra-rueidis, redis_rate, rueidislimiter, floor-gcra`},
		"unknown baseline": {
			[]results.Run{small(), without("redis_rate")}, "redis_rate", nil,
			`1.json holds no result of the baseline "redis_rate"; there are weir-gcra, weir-gcra-rueidis, rueidislimiter, floor-gcra`,
		},
		"nothing in common": {
			[]results.Run{without("weir-gcra", "redis_rate"), without("weir-gcra-rueidis", "rueidislimiter", "floor-gcra")}, "", nil,
			"no limiter was measured in all of these runs, which could be the baseline: 0.json measured weir-gcra-rueidis, rueidislimiter, floor-gcra",
		},
	} {
		var inputs []Input
		for i, run := range test.runs {
			inputs = append(inputs, Input{string(rune('0'+i)) + ".json", run})
		}
		r, err := New(inputs, test.baseline, test.only)
		got := strings.Join(limiterNames(r.Limiters), " ")
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestServers(t *testing.T) {
	inputs := append(twoRuns(), Input{"valkey.json", resultstest.Small("Valkey 8.1.1", 3)}, Input{"cluster.json", resultstest.Small("Redis 7.0.15", 4)})
	inputs[3].Run.Server.Shape, inputs[3].Run.Server.Nodes = "cluster", 3
	inputs[1].Run.Server.How = "at 127.0.0.1:41234" // where it is says nothing of its kind
	r := reportOf(t, inputs...)
	var got []string
	for _, s := range r.Servers {
		got = append(got, s.title()+":")
		for _, in := range s.Inputs {
			got = append(got, in.Path)
		}
	}
	if want := "Redis 7.0.15: runs/first.json runs/second.json Valkey 8.1.1: valkey.json Redis 7.0.15, cluster of 3: cluster.json"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDrawn(t *testing.T) {
	r := reportOf(t, Input{"run.json", resultstest.Full("Redis 7.0.15", 1)})
	want := "weir-gcra weir-gcra-rueidis redis_rate throttled mennanov-tokenbucket rueidislimiter ulule go-redisstore"
	if got := strings.Join(limiterNames(r.drawn()), " "); got != want {
		t.Errorf("drawn are %s, want %s", got, want)
	}
}

func TestGroups(t *testing.T) {
	loads := []results.Load{
		{Processes: 2, Goroutines: 64, Keys: 1000, Denials: 50},
		{Processes: 1, Goroutines: 1, Keys: 1000, Denials: 50},
		{Processes: 2, Goroutines: 64, Keys: 1000, Rate: 5000},
		{Processes: 2, Goroutines: 64, Keys: 1000, Denials: 0.5},
		{Processes: 2, Goroutines: 64, Keys: 1, Denials: 50},
		{Processes: 2, Goroutines: 64, Keys: 1000, Zipf: 1.1, Denials: 50},
	}
	titles := func() (got []string) {
		var run results.Run
		for _, l := range loads {
			run.Cells = append(run.Cells, results.Cell{Processes: l.Processes, Goroutines: l.Goroutines, Denials: l.Denials, Keys: l.Keys, Zipf: l.Zipf, Rate: l.Rate})
		}
		for _, g := range (Server{Inputs: []Input{{Run: run}, {Run: run}}}).groups() {
			got = append(got, g.title())
			for _, head := range g.goroutines() {
				got = append(got, head[0].text)
			}
		}
		return got
	}
	want := "1 key, 50 % denied, 2 processes|at 64|1,000 keys, 0.5 % denied, 2 processes|at 64|1,000 keys, 50 % denied|at 1|at 64|" +
		"1,000 keys of popularity Zipf 1.1, 50 % denied, 2 processes|at 64|1,000 keys, 0 % denied, 5,000/s become due, 2 processes|at 64"
	if got := strings.Join(titles(), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	loads = append(loads[:1], results.Load{Processes: 4, Goroutines: 64, Keys: 1000, Denials: 50})
	want = "1,000 keys, 50 % denied, 2 processes|at 64|1,000 keys, 50 % denied, 4 processes|at 64"
	if got := strings.Join(titles(), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLikest(t *testing.T) {
	full := resultstest.Full("Redis 7.0.15", 1)
	r := reportOf(t, Input{"run.json", full})
	r.Limiters = append(r.Limiters,
		round.Limiter{Name: "weir-gcra-autopipeline", Client: "go-redis", Module: ownModule, Definition: round.GCRA},
		round.Limiter{Name: "redis_rate-autopipeline", Client: "go-redis", Definition: round.GCRA})
	for peer, want := range map[string]string{
		"redis_rate": "weir-gcra", "redis_rate-autopipeline": "weir-gcra-autopipeline", "rueidislimiter": "weir-fixedwindow-rueidis",
		"ulule": "weir-fixedwindow", "mennanov-slidingwindow": "",
	} {
		at := slices.IndexFunc(r.Limiters, func(l limiter) bool { return l.Name == peer })
		if got, _ := r.likest(r.Limiters[at]); got.Name != want {
			t.Errorf("the likest to %s is %q, want %q", peer, got.Name, want)
		}
	}
}

// TestCrowd tells what sending calls together brings many goroutines, and costs one.
func TestCrowd(t *testing.T) {
	full := resultstest.Full("Redis 7.0.15", 12)
	full.Limiters = append(full.Limiters, round.Limiter{Name: "weir-gcra-coalesce", Client: "go-redis", Module: ownModule, Definition: round.GCRA})
	most := 0
	for i := range full.Cells {
		cell := &full.Cells[i]
		most = max(most, cell.Goroutines)
		ours, _ := cell.Result("weir-gcra")
		ours.Limiter, ours.Allocs = "weir-gcra-coalesce", ours.Allocs/2
		cell.Results = append(cell.Results, ours)
		for j := range cell.Results {
			cell.Results[j].Rounds = slices.Repeat(cell.Results[j].Rounds, enough)
		}
	}
	blocks := reportOf(t, Input{"run.json", full}).crowd()
	var tables []table
	for _, b := range blocks {
		if t, ok := b.(table); ok {
			tables = append(tables, t)
		}
	}
	if len(tables) != 2 || len(tables[0].rows) == 0 || len(tables[1].rows) != 1 {
		t.Fatalf("%d tables: %+v", len(tables), tables)
	}
	for _, row := range tables[0].rows {
		if where := plainText(row[1]); !strings.Contains(where, plural(most, "goroutine")+", 1 key") {
			t.Errorf("a row of %s", where)
		}
	}
	if row := tables[1].rows[0]; plainText(row[1]) != "1.00" {
		t.Errorf("a caller who comes alone: %s of the same, want 1.00", plainText(row[1]))
	}
}

func plainText(t text) (all string) {
	for _, part := range t {
		all += part.text
	}
	return all
}
