package results_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

func TestWriteRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.json")
	run := resultstest.Small("Redis 7.0.15", 1)
	run.Limiters = append(run.Limiters[:1:1], run.Limiters[1:]...)
	run.Limiters[0].About = `a "quoted\" {name}, [1` // what looks like the document's own form
	calls := run.Cells[0].Results[0].Calls
	before := run.Cells[0].Results[0].Rounds[0].Throughput
	if err := results.Write(path, run); err != nil {
		t.Fatal(err)
	}
	if after := run.Cells[0].Results[0].Rounds[0].Throughput; after != before {
		t.Errorf("writing has rounded the caller's %v to %v", before, after)
	}
	got, err := results.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Limiters, run.Limiters) || !reflect.DeepEqual(got.Memory, run.Memory) || got.Cells[0].Results[0].Calls != calls {
		t.Errorf("got %+v, want what was written", got)
	}
	if err := results.Write(path, got); err != nil {
		t.Fatal(err)
	}
	if again, err := results.Read(path); err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("read %+v, %v, want what was written: it was rounded already", again, err)
	}
}

// TestFourDigits checks what a file's numbers look like.
func TestFourDigits(t *testing.T) {
	run := results.Run{Format: results.Format, Cells: []results.Cell{{Denials: 33.33333, Results: []results.Result{{
		Calls: 123456789, Allocs: 1.23456,
		Rounds:  []results.Round{{Throughput: 123456.7, P50: 0.000123456, P99: 1e9 / 3, ServerCPU: 0}},
		Latency: results.Latency{Points: [][2]float64{{99.999, 98765.4321}}},
	}}}}}
	data, err := results.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"denials":33.33333`, `"calls":123456789`, `"allocs":1.235`, `"throughput":123500`, `"p50_us":0.0001235`,
		`"p99_us":333300000`, `"server_cpu_us":0`, `[99.999,98770]`,
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s\nwant %s in it", data, want)
		}
	}
}

// TestLines checks that each result of a cell is one line, and that a large run stays below a megabyte.
func TestLines(t *testing.T) {
	run := resultstest.Full("Redis 7.0.15", 1)
	data, err := results.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(data)) {
		var result results.Result
		if !strings.HasPrefix(line, `{"limiter":`) || !strings.Contains(line, `"rounds"`) {
			continue
		}
		lines++
		if err := json.Unmarshal([]byte(strings.TrimRight(line, ",]}\n")+"}"), &result); err != nil || len(result.Rounds) != 5 {
			t.Fatalf("%q: %v, want a result", line, err)
		}
	}
	want := 0
	for _, cell := range run.Cells {
		want += len(cell.Results)
	}
	if lines != want || len(data) > 1e6 {
		t.Errorf("%d results have a line, want %d; %d bytes, want at most a million", lines, want, len(data))
	}
}

func TestReadFails(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                             "it is empty",
		" \n":                          "it is empty", //nolint:gocritic // a file of white space
		"offset,key\n":                 "no JSON document",
		`{"format":1,"cells":[`:        "no JSON document",
		`{"server":"x","traces":[]}`:   "not the JSON document of a run of bench measure",
		`[1]`:                          "not the JSON document of a run of bench measure",
		`{"format":"1"}`:               "not the JSON document of a run of bench measure",
		`{"format":7,"cells":"other"}`: "format 7, and this program reads format 1",
		`{"format":1,"cells":"other"}`: "not what bench measure writes",
	} {
		path := filepath.Join(dir, "run.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := results.Read(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q and the file's name", text, err, want)
		}
	}
	missing := filepath.Join(dir, "missing.json")
	if _, err := results.Read(missing); err == nil || err.Error() != "can't read "+missing+": no such file or directory" {
		t.Errorf("%v, want that there is no such file", err)
	}
	if err := results.Write(filepath.Join(dir, "missing", "run.json"), results.Run{}); err == nil {
		t.Error("want an error: there is no such folder")
	}
}
