package main

import (
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/internal/servers"
)

// count is how many tests passed, failed and were skipped.
type count struct{ passed, failed, skipped int }

func (c *count) add(status string) {
	switch status {
	case "pass":
		c.passed++
	case "fail":
		c.failed++
	case "skip":
		c.skipped++
	}
}

func (c count) sum() int { return c.passed + c.failed + c.skipped }

// test is what is known of one test or subtest.
type test struct {
	name    string
	parent  *test
	status  string // pass, fail or skip; empty until it ends
	lent    bool   // a subtest has the same status, and is counted for it
	family  bool   // it has subtests
	servers []string
	output  []string
}

// against returns the servers that the test ran against. If it has none of its own, they are those
// of its nearest ancestor that has some.
func (t *test) against() []string {
	for ; t != nil; t = t.parent {
		if len(t.servers) > 0 {
			return t.servers
		}
	}
	return nil
}

// packageResult is what is known of one package's tests.
type packageResult struct {
	name    string
	status  string
	elapsed float64
	tests   []*test // in the order in which they began
	output  []string
	build   []string // the output of the compiler or vet, if the build failed
	count   count
	noTests bool

	byName map[string]*test
}

// tally adds up the events of a whole go test run.
type tally struct {
	total     count
	byServer  map[string]*count // by the value of servers.AttrServer
	order     []string          // the keys of byServer, in the order of their first appearance
	without   count             // tests that used no server
	outside   int               // packages that failed though none of their tests did
	seenKinds map[string]bool
	packages  map[string]*packageResult // those still running
	builds    map[string][]string       // output of builds, by import path
}

func newTally() *tally {
	return &tally{
		byServer:  map[string]*count{},
		seenKinds: map[string]bool{},
		packages:  map[string]*packageResult{},
		builds:    map[string][]string{},
	}
}

// event adds one event. If the event ends a package, event returns the result of that package.
func (t *tally) event(e event) (done *packageResult) {
	if e.ImportPath != "" {
		if e.Action == "build-output" {
			t.builds[e.ImportPath] = append(t.builds[e.ImportPath], e.Output)
		}
		return nil
	}
	if e.Package == "" {
		return nil
	}
	p := t.packages[e.Package]
	if p == nil {
		p = &packageResult{name: e.Package, byName: map[string]*test{}}
		t.packages[e.Package] = p
	}
	if e.Test != "" {
		p.testEvent(e)
		if e.Action == "attr" && e.Key == servers.AttrKind {
			t.seenKinds[e.Value] = true
		}
		return nil
	}
	switch e.Action {
	case "output":
		p.output = append(p.output, e.Output)
	case "pass", "fail", "skip":
		p.elapsed = e.Elapsed
		p.build = t.builds[e.FailedBuild]
		t.finish(p, e.Action)
		return p
	}
	return nil
}

// testEvent adds an event of one test.
func (p *packageResult) testEvent(e event) {
	x := p.byName[e.Test]
	if x == nil {
		x = &test{name: e.Test, parent: p.parentOf(e.Test)}
		if x.parent != nil {
			x.parent.family = true
		}
		p.byName[e.Test] = x
		p.tests = append(p.tests, x)
	}
	switch e.Action {
	case "output":
		x.output = append(x.output, e.Output)
	case "attr":
		if e.Key == servers.AttrServer && !slices.Contains(x.servers, e.Value) {
			x.servers = append(x.servers, e.Value)
		}
	case "pass", "fail", "skip":
		x.status = e.Action
	}
}

// parentOf finds the test that a subtest belongs to. The own name of a subtest may contain slashes.
func (p *packageResult) parentOf(name string) *test {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		if x := p.byName[name[:i]]; x != nil {
			return x
		}
	}
	return nil
}

// finish counts a package's tests when it has ended.
//
// Only the subtests of a test are counted, unless the test failed or was skipped and none of its
// subtests has that status. A test that had begun when the package failed, and never ended, has
// failed.
func (t *tally) finish(p *packageResult, status string) {
	delete(t.packages, p.name)
	p.status = status
	p.noTests = status == "skip" && len(p.tests) == 0
	for _, x := range slices.Backward(p.tests) { // subtests before their parents
		if x.status == "" && status == "fail" {
			x.status = "fail"
			x.output = append(x.output, "--- FAIL: "+x.name+" (did not finish)\n")
		}
		if x.parent != nil && (x.status == "fail" || x.status == "skip") {
			for up := x.parent; up != nil; up = up.parent {
				up.lent = up.lent || up.status == x.status || up.status == ""
			}
		}
		if x.family && (x.lent || x.status == "pass") {
			continue
		}
		p.count.add(x.status)
		t.total.add(x.status)
		t.counts(x, func(c *count) { c.add(x.status) })
	}
	if status == "fail" && p.count.failed == 0 {
		p.count.failed++
		t.total.failed++
		t.outside++
	}
}

// counts calls do for each row of the summary's table in which a test counts.
func (t *tally) counts(x *test, do func(*count)) {
	used := x.against()
	if len(used) == 0 {
		do(&t.without)
	}
	for _, s := range used {
		if t.byServer[s] == nil {
			t.byServer[s] = &count{}
			t.order = append(t.order, s)
		}
		do(t.byServer[s])
	}
}

// close ends the packages that go test has not ended, which happens when it is interrupted, and
// reports them. If go test failed with err and no test failed, close adds a failure to the total.
func (t *tally) close(report func(*packageResult), err error) {
	var left []*packageResult
	for _, p := range t.packages {
		left = append(left, p)
	}
	slices.SortFunc(left, func(a, b *packageResult) int { return strings.Compare(a.name, b.name) })
	for _, p := range left {
		t.finish(p, "fail")
		report(p)
	}
	if err != nil && t.total.failed == 0 {
		t.total.failed++
		t.outside++
	}
}

// unused returns the kinds of server that no test ran against.
func (t *tally) unused(all []servers.Kind) []servers.Kind {
	return slices.DeleteFunc(slices.Clone(all), func(k servers.Kind) bool { return t.seenKinds[k.Name] })
}
