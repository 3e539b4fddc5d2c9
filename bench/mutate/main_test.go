package main

import "testing"

// TestList: a fragment has mutants, each of which differs from the line that it replaces. Listing
// them counts no survivors.
func TestList(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorkshop(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	mutants, err := w.mutants("tat")
	if err != nil || len(mutants) == 0 {
		t.Fatalf("%d mutants, %v", len(mutants), err)
	}
	for _, m := range mutants {
		if m.was == m.is {
			t.Errorf("%s:%d: the mutant is the line itself, %s", m.fragment, m.line, m.is)
		}
	}
	if survivors, err := run([]string{"tat"}, "", true); err != nil || survivors != 0 {
		t.Errorf("%d survivors of a list, %v", survivors, err)
	}
}
