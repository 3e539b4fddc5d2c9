package progress

import (
	"bytes"
	"strings"
	"testing"
)

func TestQuiet(t *testing.T) {
	var out bytes.Buffer
	bar := Start(&out, 10) // not a terminal
	bar.Say("something")
	bar.Step(10)
	bar.End()
	if out.Len() > 0 {
		t.Errorf("without a terminal it writes %q", out.String())
	}
}

func TestShown(t *testing.T) {
	var out bytes.Buffer
	bar := start(&out, 10, true, 0)
	bar.Say("measuring")
	bar.Step(4)
	bar.End()
	for _, want := range []string{"measuring", "4/10", "it/", "\x1b[2K\r"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the bar is %q, want %q in it", out.String(), want)
		}
	}
	if !strings.HasSuffix(out.String(), "\x1b[2K\r") {
		t.Errorf("the bar stays: %q", out.String())
	}
}
