package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/picture"
)

// Answer returns the result of the comparison in words: how many requests each algorithm denies and delays, how many keys
// are denied, how much passes in the worst period, and which limit would deny nothing.
func (c Comparison) Answer() string {
	said := []string{c.howMuch()}
	for _, run := range c.Runs {
		if t := run.Totals; t.Delayed > 0 {
			said = append(said, fmt.Sprintf("%s delays %s of the requests that it admits, by %s at p50 and %s at p99.",
				capital(run.inWords()), percent(t.Delayed, t.Admitted), wait(t.Delay.P50), wait(t.Delay.P99)))
		}
	}
	said = append(said, c.whom())
	said = append(said, c.worst(c.Trace.Limit, func(t Totals) int64 { return t.MostInPeriod }))
	if c.Trace.And.Rate > 0 {
		said = append(said, c.worst(c.Trace.And, func(t Totals) int64 { return t.MostInOther }))
	}
	said = append(said, c.enough())
	return strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), " ")
}

// howMuch says how many requests each algorithm denies, in descending order.
func (c Comparison) howMuch() string {
	n := len(c.Trace.Arrivals)
	groups := c.groups(func(r Run) int { return r.Totals.Denied }, func(denied int) string { return percent(denied, n) })
	if first := groups[0]; len(groups) == 1 && first.said == "0%" {
		return fmt.Sprintf("None of %s requests is denied.", counted(n))
	} else if len(groups) == 1 && len(c.Runs) > 1 {
		return fmt.Sprintf("Of %s requests, each algorithm denies %s.", counted(n), first.said)
	}
	return fmt.Sprintf("Of %s requests, %s.", counted(n), told(groups, "denies", "deny"))
}

// whom says how many keys were denied, and which of them was denied most.
func (c Comparison) whom() string {
	denied, sum := c.denied(), 0
	if len(denied) == 0 || len(c.Requests) == 1 {
		return ""
	}
	for _, k := range denied {
		sum += k.denied
	}
	first := denied[0]
	who := fmt.Sprintf("%s of %s keys are ever denied", counted(len(denied)), counted(len(c.Requests)))
	if len(denied) == 1 {
		return fmt.Sprintf("Of %s keys only %s is ever denied.", counted(len(c.Requests)), shortKey(first.key, 40))
	}
	return fmt.Sprintf("%s; %s has %s of all denials.", who, shortKey(first.key, 40), percent(first.denied, sum))
}

// worst says how much passed in the worst period of a limit. The function most returns that number.
func (c Comparison) worst(limit algorithms.Limit, most func(Totals) int64) string {
	groups := c.groups(func(r Run) int { return int(most(r.Totals)) }, func(most int) string {
		if times := float64(most) / float64(limit.Rate); times >= 1.05 {
			return fmt.Sprintf("%s (%.1f× the rate)", counted(most), times)
		}
		return counted(most)
	})
	if groups[0].said == "0" {
		return ""
	}
	of := ""
	if len(c.Requests) > 1 {
		of = " of one key"
	}
	if len(groups) == 1 && len(c.Runs) > 1 {
		return fmt.Sprintf("In the worst %s%s, each passes %s.", picture.ShortTime(limit.Period), of, groups[0].said)
	}
	return fmt.Sprintf("In the worst %s%s, %s.", picture.ShortTime(limit.Period), of, told(groups, "passes", "pass"))
}

// enough says which limit would deny nothing.
func (c Comparison) enough() string {
	period := c.Trace.Limit.Period
	most := c.mostArrived(period)
	if most <= c.Trace.Limit.Rate && !slices.ContainsFunc(c.Runs, func(r Run) bool { return r.Totals.Denied > 0 }) {
		return fmt.Sprintf("The most that arrived in any %s is %s.", picture.ShortTime(period), counted(int(most)))
	}
	if c.Trace.And.Rate > 0 {
		other := algorithms.Per(c.mostArrived(c.Trace.And.Period), c.Trace.And.Period)
		return fmt.Sprintf("A limit of %s, with one of %s for allof, would deny none.", algorithms.Per(most, period), other)
	}
	return fmt.Sprintf("A limit of %s would deny none.", algorithms.Per(most, period))
}

// A group is a set of runs with the same text.
type group struct {
	names string // in words
	many  bool
	said  string
}

// told joins the groups into a sentence. Only the first group has a verb.
func told(groups []group, one, many string) string {
	var parts []string
	for i, g := range groups {
		verb := " "
		if i == 0 && g.many {
			verb = " " + many + " "
		} else if i == 0 {
			verb = " " + one + " "
		}
		parts = append(parts, g.names+verb+g.said)
	}
	if len(parts) < 3 {
		return strings.Join(parts, ", and ")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + ", and " + parts[len(parts)-1]
}

// groups groups the runs whose values have the same text, the largest value first.
func (c Comparison) groups(value func(Run) int, say func(int) string) (groups []group) {
	runs := slices.Clone(c.Runs)
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(value(b), value(a)) })
	for len(runs) > 0 {
		var names []string
		said := say(value(runs[0]))
		for len(runs) > 0 && say(value(runs[0])) == said {
			if runs[0].Kind.Costs {
				names = append(names, runs[0].Names...)
			} else {
				names = append(names, runs[0].inWords())
			}
			runs = runs[1:]
		}
		groups = append(groups, group{and(names), len(names) > 1, said})
	}
	return groups
}

// inWords returns the run's name for use in a sentence.
func (r Run) inWords() string {
	if r.Kind.Name == "queue" {
		return "the queue"
	}
	return and(r.Names)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// and joins parts of a sentence.
func and(parts []string) string {
	if len(parts) < 3 {
		return strings.Join(parts, " and ")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// percent formats a part of a whole. Only exactly 0 and 100 percent are shown as 0% and 100%.
func percent(n, of int) string {
	p := 100 * float64(n) / float64(max(of, 1))
	switch {
	case n == 0 || n == of:
		return fmt.Sprintf("%.0f%%", p)
	case p < 0.1:
		return "<0.1%"
	case p > 99.9:
		return ">99.9%"
	}
	return fmt.Sprintf("%.1f%%", p)
}

// counted formats a number with commas between thousands.
func counted(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
