package report

import "slices"

// reading says what the tables' numbers mean.
func (r Report) reading() []block {
	base := name(r.Baseline)
	items := list{
		stress("Ratio").and(": a limiter's number divided by that of ").plus(base).and(" under the same load. All limiters take turns, for several rounds, and the two are divided " +
			"within each round, so that what slows a machine down for a while slows both. Told is the median of the rounds, and in brackets the lowest and the highest; " +
			"of five rounds or more the quartiles."),
		stress("Which way").and(": above 1 is better for decisions a second, and worse for latency, server CPU and all other costs. ").
			plus(stress("Bold")).and(" is a limiter, but no floor, that is better than ").plus(base).and(" by all of its spread."),
		stress("Keys").and(": how many callers there are, all as likely, or with Zipf some far more often than others. ").plus(stress("Denied")).
			and(": that share of the requests goes to keys that are full, and has to be denied; all others go to keys that are never full."),
	}
	closed, open := r.loops()
	if closed {
		items = append(items, stress("Closed loop").and(": each goroutine sends its next request when it has the answer to the one before, so the same number of requests is always on its way, "+
			"and one that takes longer makes fewer. All goroutines of a process share a client of each kind."))
	}
	if open {
		items = append(items, stress("Open loop").and(": where so many requests a second become due, they do so whether or not those before are answered, "+
			"and the time for which one waits until a goroutine is free counts as its latency. How many are decided is then no measure, and is left out."))
	}
	items = append(items,
		stress("p50, p99").and(": half of the requests, and 99 of 100, took at most that long, as the caller sees it."),
		stress("Server CPU").and(": processor time of the server's main thread, divided by the decisions that were made. Where the server's machine does not tell it, "+
			"there is the time in commands, as INFO commandstats tells, which leaves out reading requests and writing replies."),
		stress("†").and(": over one in a hundred of these requests failed, or was admitted at a full key, or denied at one that is not. What they cost then says little; see accuracy. In the first section: in some cell."),
		stress(none).and(": not measured, or not told by the server."),
	)
	if slices.ContainsFunc(r.Limiters, func(l limiter) bool { return l.Floor }) {
		items = append(items, stress("Floor").and(": it limits nothing, or not safely, and is there to show what a limiter costs at least."))
	}
	for _, s := range r.Servers {
		if len(s.Inputs) > 1 {
			items = append(items, stress("Several runs").and(" of the same server stand in one cell, one under the other, in the order of the list of runs."))
			break
		}
	}
	return []block{heading{2, "How to read it"}, items}
}

// loops says whether any load was a closed loop, and whether any was an open one.
func (r Report) loops() (closed, open bool) {
	for _, in := range r.Inputs {
		for _, cell := range in.Run.Cells {
			closed = closed || cell.Rate == 0
			open = open || cell.Rate > 0
		}
	}
	return closed, open
}
