package results_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

// TestFormat: Write writes Go's benchmark format, and Read returns the same run.
func TestFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.txt")
	run := resultstest.Run(1)
	run.Doubts = []string{"it was made up"}
	if err := results.Write(path, run); err != nil {
		t.Fatal(err)
	}
	got, err := results.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != len(run.Results) || !reflect.DeepEqual(got.Limiters, run.Limiters) || got.Doubts[0] != run.Doubts[0] {
		t.Errorf("read %+v, want what was written", got)
	}
	for i, r := range got.Results {
		if r.Name.String() != run.Results[i].Name.String() || !reflect.DeepEqual(r.Values, run.Results[i].Values) {
			t.Fatalf("line %d is %s %+v, want %s %+v", i, r.Name, r.Values, run.Results[i].Name, run.Results[i].Values)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "# DOUBTFUL: it was made up\n") {
		t.Error("the file does not contain the doubt")
	}
	// benchstat can read the file: there are no syntax errors, and each unit says whether higher or lower is better.
	reader := benchfmt.NewReader(bytes.NewReader(data), path)
	for reader.Scan() {
		if record, wrong := reader.Result().(*benchfmt.SyntaxError); wrong {
			t.Error(record)
		}
	}
	for unit, better := range map[string]int{"server-ns/op": -1, "decisions/s": 1, "p50-ns": -1, "p99-ns": -1} {
		if got := reader.Units().GetBetter(unit); got != better {
			t.Errorf("the better direction of %s is %d, want %d", unit, got, better)
		}
	}
}

func TestReadFails(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                                       "it contains no run",
		"offset,key\n":                           "it contains no run",
		"# run: {}\n":                            "it contains no run",
		"BenchmarkX 1 2 ns/op\n":                 "it contains no run",
		"# run: nonsense\nBenchmarkX 1 2 B/op\n": "can't be read",
		"# run: {}\nBenchmarkX 1 two B/op\n":     "parsing measurement",
	} {
		path := filepath.Join(dir, "run.txt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := results.Read(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q and the file's name", text, err, want)
		}
	}
	missing := filepath.Join(dir, "missing.txt")
	if _, err := results.Read(missing); err == nil || err.Error() != "can't read "+missing+": no such file or directory" {
		t.Errorf("the error is %v, want one that says that there is no such file", err)
	}
}

// TestLoads: the rounds of a run are grouped by load and limiter, in their order.
func TestLoads(t *testing.T) {
	run := resultstest.Run(1)
	loads := run.Loads()
	var names []string
	for _, load := range loads {
		names = append(names, load.String())
		for i, s := range load.Series {
			if s.Limiter != run.Limiters[i].Name || len(s.Rounds) != resultstest.Rounds {
				t.Errorf("%s: %s has %d rounds, want %s and %d", load, s.Limiter, len(s.Rounds), run.Limiters[i].Name, resultstest.Rounds)
			}
		}
	}
	want := []string{
		"1 goroutine, 10,000 keys, 0% denied", "64 goroutines, 10,000 keys, 0% denied",
		"1 goroutine, 10,000 keys, 90% denied", "64 goroutines, 10,000 keys, 90% denied",
	}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("the loads are %q, want %q", names, want)
	}
	asked := results.Asked{Processes: 2, Goroutines: 8, Keys: "zipf:100", Denials: 0.5, Rate: 2000}
	run.Results = []*benchfmt.Result{{Name: asked.Named("weir-gcra")}}
	if got := run.Loads(); len(got) != 1 || got[0].Asked != asked || got[0].Series[0].Limiter != "weir-gcra" {
		t.Errorf("the load is %+v, want %+v", got, asked)
	}
	if memory := resultstest.Run(1).Memory(); len(memory) != 20 || memory[1].Requests != 10 || memory[1].Limiter != "weir-gcra" || memory[1].Value(results.KeyBytes) != 104 {
		t.Errorf("the memory is %+v", memory)
	}
}

// series returns rounds that have these values both as decisions a second and as server CPU.
func series(values ...float64) (s results.Series) {
	for _, v := range values {
		s.Rounds = append(s.Rounds, &benchfmt.Result{Values: []benchfmt.Value{{Value: v, Unit: "decisions/s"}, {Value: v, Unit: "server-sec/op"}}})
	}
	return s
}

func TestVerdicts(t *testing.T) {
	slow := series(100, 50, 100, 200, 100, 100, 110, 90, 100, 100)
	times := func(factors ...float64) (s results.Series) {
		for i, round := range slow.Rounds {
			s.Rounds = append(s.Rounds, series(round.Values[0].Value*factors[i%len(factors)]).Rounds...)
		}
		return s
	}
	failing := times(1.5)
	for _, round := range failing.Rounds {
		round.Values = append(round.Values, benchfmt.Value{Value: 0.02, Unit: results.Failed})
	}
	for _, test := range []struct {
		name           string
		one, other     results.Series
		center         float64
		decisions, cpu results.Verdict
	}{
		// Rounds in which the machine was slower don't change the ratio.
		{"half as much again", times(1.5), slow, 1.5, results.Better, results.Worse},
		{"less", times(0.8, 0.9), slow, 0.85, results.Worse, results.Better},
		{"the same", times(1), slow, 1, results.Undecided, results.Undecided},
		{"within the margin", times(1.015), slow, 1.015, results.Undecided, results.Undecided},
		{"now more, now less", times(0.8, 1.25), slow, 1.025, results.Undecided, results.Undecided},
		{"one round apart", times(1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 0.2), slow, 1.5, results.Better, results.Worse},
		{"too few rounds", series(150, 150, 150), series(100, 100, 100), 1.5, results.Undecided, results.Undecided},
		{"failing", failing, slow, 1.5, results.Failing, results.Failing},
		{"not measured", results.Series{}, slow, 0, results.Undecided, results.Undecided},
	} {
		decisions, cpu := results.Compare(test.one, test.other, results.Decisions), results.Compare(test.one, test.other, results.ServerCPU)
		if math.Abs(decisions.Center-test.center) > 1e-9 || decisions.Verdict != test.decisions || cpu.Verdict != test.cpu {
			t.Errorf("%s: %v %s and %s, want %v %s and %s", test.name, decisions, decisions.Verdict, cpu.Verdict, test.center, test.decisions, test.cpu)
		}
	}
	if got := results.Compare(times(0.8, 0.9), slow, results.ServerCPU).String(); got != "0.85 (0.80 to 0.90)" {
		t.Errorf("the ratio is %s", got)
	}
}

// TestSameLimiter: two limiters that differ only by noise are undecided, and one that costs a third less is better.
func TestSameLimiter(t *testing.T) {
	for seed := range uint64(20) {
		for _, load := range resultstest.Run(seed).Loads() {
			for _, m := range results.Measures {
				if got := results.Compare(load.Of("weir-gcra"), load.Of("throttled"), m).Verdict; got != results.Undecided {
					t.Errorf("seed %d, %s: %s is %s", seed, load, m.Name, got)
				}
			}
			if got := results.Compare(load.Of("weir-gcra"), load.Of("redis_rate"), results.ServerCPU).Verdict; got != results.Better {
				t.Errorf("seed %d, %s: a third less is %s", seed, load, got)
			}
		}
	}
}

// TestDoubts: FindDoubts finds each reason why a run is unreliable.
func TestDoubts(t *testing.T) {
	change := func(limiter, unit string, to func(round int, value float64) float64) results.Run {
		run := resultstest.Run(1)
		rounds := map[string]int{}
		for _, r := range run.Results {
			if !strings.Contains(string(r.Name), "Decision/") || !strings.Contains(string(r.Name), limiter) {
				continue
			}
			for i := range r.Values {
				if r.Values[i].Unit == unit {
					r.Values[i].Value = to(rounds[string(r.Name)], r.Values[i].Value)
				}
			}
			rounds[string(r.Name)]++
		}
		return run
	}
	unknown := change("", results.Others, func(int, float64) float64 { return 0 })
	for _, r := range unknown.Results {
		r.Values = r.Values[:len(r.Values)-1]
	}
	unknown.Load = 3
	for _, test := range []struct {
		name string
		run  results.Run
		want string
	}{
		{"quiet", resultstest.Run(1), ""},
		{"busy", change("", results.Others, func(int, float64) float64 { return 40 }),
			"other programs used 40% of the processors' time with "},
		{"busy under one load", change("/goroutines=64/denials=0/keys=10000", results.Others, func(int, float64) float64 { return 6 }),
			"other programs used 6% of the processors' time with 64 goroutines, 10,000 keys, 0% denied"},
		{"busy at times", change("", results.Others, func(round int, _ float64) float64 { return float64(round / 8 * 60) }),
			"other programs used 12% of the processors' time with "},
		{"once", change("=ulule/", results.Others, func(round int, _ float64) float64 { return float64(round / 9 * 60) }), ""},
		{"unknown", unknown, "the load average was 3.0 on 4 processors when the run began"},
		{"a slow floor", change("floor-gcra", "server-sec/op", func(_ int, v float64) float64 { return 3 * v }),
			"a floor, which only makes a limiter's calls, was slower than the limiter: floor-gcra than weir-gcra with "},
		{"rounds apart", change("=ulule/", "decisions/s", func(round int, v float64) float64 { return v * (1 + float64(round%3)) }),
			"the rounds differ by "},
		{"one case", change("=ulule/goroutines=1/denials=0", "decisions/s", func(round int, v float64) float64 { return v * (1 + float64(round%3)) }), ""},
	} {
		doubts, notes := results.FindDoubts(test.run)
		if test.name == "one case" && len(notes) != 1 || test.name != "one case" && notes != nil {
			t.Errorf("%s: the notes are %q", test.name, notes)
		}
		if test.want == "" && len(doubts) > 0 || test.want != "" && (len(doubts) != 1 || !strings.HasPrefix(doubts[0], test.want)) {
			t.Errorf("%s: the doubts are %q, want %q", test.name, doubts, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.012345: "0.012", 0.5: "0.50", 9.87: "9.87", 54.321: "54.3", 1234.4: "1,234", 1234567: "1,234,567"} {
		if got := results.Short(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
	for bytes, want := range map[float64]string{104: "104 MB", 1460: "1.46 GB", 11_500: "11.5 GB"} {
		if got := results.Million(bytes); got != want {
			t.Errorf("a million keys of %v bytes take %s, want %s", bytes, got, want)
		}
	}
}
