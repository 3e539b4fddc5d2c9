package measure

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

var update = flag.Bool("update", false, "write the files that hold expected output")

// TestScreen: the output for a run is as in the file in testdata, and fits 80 columns.
func TestScreen(t *testing.T) {
	quiet := resultstest.Run(1)
	noisy := resultstest.Run(2)
	noisy.Beside, noisy.Interrupted = "ulule", true
	noisy.Notes = []string{"throttled failed first with: failed to update key after 10 attempts, as others came between each time"}
	for i := range noisy.Limiters {
		if noisy.Limiters[i].Name == "weir-fixedwindow" {
			noisy.Limiters[i].Name = "weir-gcra-cachedenials-coalesce"
		}
	}
	for i, r := range noisy.Results {
		r.Name = benchfmt.Name(strings.ReplaceAll(string(r.Name), "=weir-fixedwindow/", "=weir-gcra-cachedenials-coalesce/"))
		set(r, results.Others, float64(20+i%30))
		if strings.Contains(string(r.Name), "throttled/goroutines=64") {
			set(r, results.Failed, 0.2)
		}
	}
	noisy.Doubts, _ = results.FindDoubts(noisy)
	rated := resultstest.Run(3)
	asked := results.Asked{Goroutines: 4, Keys: "10000", Rate: 50_000}
	rated.Results = rated.Results[:6*resultstest.Rounds]
	for i, r := range rated.Results {
		r.Name = asked.Named(rated.Limiters[i%6].Name)
		set(r, "decisions/s", 50_000)
		if i%6 == 2 {
			set(r, "decisions/s", 37_512)
		}
	}
	for name, run := range map[string]results.Run{"quiet": quiet, "noisy": noisy, "rated": rated} {
		t.Run(name, func(t *testing.T) {
			got := printed(run)
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || got != string(want) {
				t.Errorf("got\n%s\nwant, as in %s (or run go test -update), %v\n%s", got, path, err, want)
			}
			for line := range strings.Lines(got) {
				if utf8.RuneCountInString(line) > width+1 || strings.HasSuffix(line, " \n") {
					t.Errorf("line is too long or ends with a space: %q", line)
				}
			}
		})
	}
}

func set(r *benchfmt.Result, unit string, to float64) {
	for i := range r.Values {
		if r.Values[i].Unit == unit {
			r.Values[i].Value = to
		}
	}
}
