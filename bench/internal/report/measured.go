package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/round"
)

type limiter = round.Limiter

// measured says what was measured, where and when. ToFile returns a link to a run's file.
func (r Report) measured(toFile func(Input) text) []block {
	runs := table{head: []text{say("run"), say("server"), say("began"), say("took")}, texts: []int{1, 2, 3}}
	for _, in := range r.Inputs {
		took := in.Run.Took.Round(time.Second).String()
		if in.Run.Interrupted {
			took += ", interrupted"
		}
		title := Server{Server: in.Run.Server}.title()
		if in.Run.Server.How != "" {
			title += " (" + in.Run.Server.How + ")"
		}
		runs.rows = append(runs.rows, []text{toFile(in), say(title), say(day(in.Run.Began)), say(took)})
	}
	blocks := []block{heading{2, "What was measured"}, runs}
	blocks = append(blocks, r.said("Command", func(run results.Run) text { return name(run.Command) })...)
	blocks = append(blocks, r.said("Machine", func(run results.Run) text { return say(machine(run.Machine)) })...)
	blocks = append(blocks, r.said("Limit of the keys that are not full", func(run results.Run) text { return say(run.Limit) })...)
	blocks = append(blocks, r.said("Loads", func(run results.Run) text { return say(processes(run)) })...)
	blocks = append(blocks, r.limiterTable())
	var warnings list
	for _, in := range r.Inputs {
		for _, w := range in.Run.Warnings {
			warnings = append(warnings, name(filepath.Base(in.Path)).and(": "+w))
		}
	}
	if len(warnings) > 0 {
		blocks = append(blocks, paragraph(stress("Warnings of these runs:")), warnings)
	}
	return blocks
}

// said returns what each of the runs says of something, once if they all say the same.
func (r Report) said(what string, of func(results.Run) text) []block {
	var all list
	same := true
	for _, in := range r.Inputs {
		all = append(all, of(in.Run))
		same = same && slices.Equal(all[0], all[len(all)-1])
	}
	if same {
		if len(all[0]) == 0 || all[0][0].text == "" {
			return nil
		}
		return []block{paragraph(stress(what).and(": ").plus(all[0]))}
	}
	for i, in := range r.Inputs {
		all[i] = name(filepath.Base(in.Path)).and(": ").plus(all[i])
	}
	return []block{paragraph(stress(what).and(":")), all}
}

func machine(m results.Machine) string {
	parts := []string{plural(m.CPUs, "CPU")}
	if m.CPU != "" {
		parts[0] += " of " + m.CPU
	}
	if m.Memory > 0 {
		parts = append(parts, strconv.FormatFloat(float64(m.Memory)/(1<<30), 'f', 0, 64)+" GiB of memory")
	}
	return strings.Join(append(parts, m.OS+"/"+m.Arch, m.Go), ", ")
}

// processes says in how many processes the goroutines of a run's loads are.
func processes(run results.Run) string {
	var parts []string
	for _, cell := range run.Cells {
		part := fmt.Sprintf("%s in %d", plural(cell.Goroutines, "goroutine"), cell.Processes)
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return listed(parts) + " worker processes"
}

func (r Report) limiterTable() table {
	t := table{head: []text{say("limiter"), say("what it is"), say("its definition"), say("client"), say("module")}, texts: []int{1, 2, 3, 4}}
	for _, l := range r.Limiters {
		var modules []string
		for _, in := range r.Inputs {
			for _, other := range in.Run.Limiters {
				module := strings.TrimSpace(other.Module + " " + other.Version)
				if other.Name == l.Name && !slices.Contains(modules, module) {
					modules = append(modules, module)
				}
			}
		}
		definition := string(l.Definition)
		if l.Floor {
			definition = "none: a floor"
		}
		t.rows = append(t.rows, []text{name(l.Name), say(l.About), say(definition), say(l.Client), namesOf(modules)})
	}
	return t
}

// namesOf returns words as names in a row.
func namesOf(words []string) (all text) {
	for i, word := range words {
		if i > 0 {
			all = all.and(", ")
		}
		all = all.plus(name(word))
	}
	return all
}
