package linearizable_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// patience is the longest time for a check. It is shorter than the timeout of go test. A check that takes longer has no
// result, which is a failure.
const patience = 5 * time.Minute

// linearizes fails the test if the history of a key has no order that the model allows.
func linearizes(t *testing.T, m *model, history []porcupine.Operation) {
	t.Helper()
	began := time.Now()
	wrong := check(m.porcupine(), history, patience)
	t.Logf("%v: %d histories of %d calls, checked in %v",
		m.trial.limit, len(byKey(history)), len(history), time.Since(began).Round(time.Millisecond))
	if wrong != nil {
		picture, err := wrong.draw(pictures(t))
		t.Errorf("%v: %v, picture in %s, error %v", m.trial.limit, wrong, picture, err)
	}
}

// A failure is a key's history for which no order was found.
type failure struct {
	key    string
	calls  int
	model  porcupine.Model
	result porcupine.CheckResult // Illegal: there is no order; Unknown: the check took longer than patience
	info   porcupine.LinearizationInfo
}

// check returns nil if each key's history has an order that the model allows. Otherwise it returns the first history that has none.
func check(m porcupine.Model, history []porcupine.Operation, patience time.Duration) *failure {
	if porcupine.CheckOperationsTimeout(m, history, patience) == porcupine.Ok {
		return nil
	}
	for _, part := range byKey(history) { // check each one alone, to find the one that failed
		if result, info := porcupine.CheckOperationsVerbose(m, part, patience); result != porcupine.Ok {
			return &failure{part[0].Input.(input).key, len(part), m, result, info}
		}
	}
	return &failure{key: "all", calls: len(history), model: m, result: porcupine.Unknown}
}

func (f *failure) String() string {
	return fmt.Sprintf("%q, %d calls: no order found (%s)", f.key, f.calls, f.result)
}

// draw writes porcupine's picture of the history, and returns the name of its file.
func (f *failure) draw(dir string) (file string, err error) {
	file = filepath.Join(dir, f.key+".html")
	return file, porcupine.VisualizePath(f.model, f.info, file)
}

// byKey splits a history by keys, in the order in which they were first called.
func byKey(history []porcupine.Operation) (parts [][]porcupine.Operation) {
	index := map[string]int{}
	for _, op := range history {
		key := op.Input.(input).key
		i, known := index[key]
		if !known {
			i, index[key] = len(parts), len(parts)
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// pictures returns a folder that is not removed when the test ends. ArtifactDir is kept only with go test's flag -artifacts.
func pictures(t *testing.T) string {
	t.Helper()
	if kept := flag.Lookup("test.artifacts"); kept != nil && kept.Value.String() == "true" {
		return t.ArtifactDir()
	}
	dir, err := os.MkdirTemp("", "weir-linearizable-")
	if err != nil {
		t.Error(err)
	}
	return dir
}
