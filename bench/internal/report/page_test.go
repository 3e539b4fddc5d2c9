package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/browser"
	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/internal/results/resultstest"
)

// page writes a report's page to a file, and returns its path and its text.
func page(t *testing.T, r Report) (path, text string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.Page(&b); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b.String()
}

// TestPageInBrowser looks at a page of two runs on one server and one on another, with more limiters than
// a chart shows, hostile names, and loads of all kinds.
func TestPageInBrowser(t *testing.T) {
	shape := resultstest.Shape{Server: "Redis 7.0.15", Limiters: 13, Denials: []float64{0, 1, 90}, Goroutines: []int{1, 2, 16, 256}, Keys: []int{1, 1000}}
	first := shape.Run()
	first.Limiters = append(first.Limiters[:0:0], first.Limiters...)
	first.Limiters[2].About = "<script>document.title='ouch'</script>"
	shape.Seed = 1
	second := shape.Run()
	third := resultstest.Small("Valkey <b>8.1</b>", 2)
	third.Cells[1].Rate = 5000
	for i := range third.Cells {
		for j := range third.Cells[i].Results {
			third.Cells[i].Results[j].Limiter = strings.ReplaceAll(third.Cells[i].Results[j].Limiter, "redis_rate", `<img src="x"> & a very long name`)
		}
	}
	r := reportOf(t, Input{"first.json", first}, Input{"second.json", second}, Input{"third.json", third})
	path, _ := page(t, r)
	browser.CheckPage(t, path, browser.Wants{
		Pictures: 5 + 6 + 5 + 3, // each server's five, and one for each group of its loads
		Texts: []string{
			"In short", "weir-gcra against", "Like against like", "Redis 7.0.15", "Valkey <b>8.1</b>", "How far the runs differ",
			"<script>document.title='ouch'</script>", `<img src="x"> & a very long name`, "5,000/s become due", "Memory", "Accuracy",
		},
	})
}

// TestPageHoldsRuns checks that the runs can be taken from the page, both from its data and by its links.
func TestPageHoldsRuns(t *testing.T) {
	inputs := twoRuns()
	inputs[0].Run.Warnings = []string{"</script><script>alert(1)</script>"}
	_, text := page(t, reportOf(t, inputs...))
	data := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(text)
	if data == nil {
		t.Fatal("the page holds no data")
	}
	var files []struct {
		File string
		Run  results.Run
	}
	if err := json.Unmarshal([]byte(data[1]), &files); err != nil || len(files) != 2 || !reflect.DeepEqual(files[0].Run, inputs[0].Run) {
		t.Errorf("%v; the data are not the runs", err)
	}
	links := regexp.MustCompile(`<a download="([^"]+)" href="data:application/json;base64,([^"]+)">`).FindAllStringSubmatch(text, -1)
	if len(links) != 2 {
		t.Fatalf("there are %d links, want one for each run", len(links))
	}
	for i, link := range links {
		raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(link[2], "&#43;", "+"))
		if err != nil {
			t.Fatal(err)
		}
		run, err := results.Parse(raw)
		if err != nil || run.Began != inputs[i].Run.Began || link[1] != filepath.Base(inputs[i].Path) {
			t.Errorf("%s: %v, want the run", link[1], err)
		}
	}
	if strings.Count(text, "<script") != 1 {
		t.Error("the page holds other scripts than its data")
	}
}

// TestSparse checks that a report is made of runs that lack most of what others have.
func TestSparse(t *testing.T) {
	one := resultstest.Small("Redis 7.0.15", 1)
	one.Cells = one.Cells[:1]
	one.Cells[0].Results = one.Cells[0].Results[:1]
	noCPU := resultstest.Small("Redis 7.0.15", 1)
	failed := resultstest.Small("Redis 7.0.15", 1)
	for i := range noCPU.Cells {
		for j := range noCPU.Cells[i].Results {
			for k := range noCPU.Cells[i].Results[j].Rounds {
				noCPU.Cells[i].Results[j].Rounds[k].ServerCPU = 0
			}
		}
		all := &failed.Cells[i].Results[2]
		all.Failed, all.Rounds, all.Latency = all.Calls, make([]results.Round, 3), results.Latency{}
	}
	memory := resultstest.Small("Redis 7.0.15", 1)
	memory.Cells, memory.Accuracy = nil, nil
	cells := resultstest.Small("Redis 7.0.15", 1)
	cells.Memory, cells.Accuracy = nil, nil
	for name, test := range map[string]struct {
		run      results.Run
		want     string
		mustLack string
	}{
		"one limiter": {one, "15,500/s", "In short"},
		"no CPU":      {noCPU, "Time in commands a decision", "Server CPU a decision"},
		"all failed":  {failed, " – † |", "NaN"},
		"memory":      {memory, "### Memory", "### 1,000 keys"},
		"cells":       {cells, "### 1,000 keys", "### Memory"},
	} {
		r := reportOf(t, Input{"run.json", test.run})
		if got := r.Markdown(""); !strings.Contains(got, test.want) || strings.Contains(got, test.mustLack) {
			t.Errorf("%s: want %q, and no %q, in\n%s", name, test.want, test.mustLack, got)
		}
		if _, text := page(t, r); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%s: the page holds what is no number", name)
		}
	}
}
