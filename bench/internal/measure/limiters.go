package measure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-weir/weir/bench/shared/round"
)

// inResults are the limiters of bench/RESULTS.md: Weir's, one of each other library, and a floor. The flag value "results"
// stands for them.
const inResults = "weir-gcra,weir-fixedwindow,weir-slidinglog,weir-fixedwindow-rueidis,weir-gcra-coalesce,weir-gcra-cachedenials," +
	"weir-allof,weir-onebyone,weir-inflight,redis_rate,throttled,ulule,go-redisstore,mennanov-tokenbucket,httprate-redis,rueidislimiter," +
	"floor-gcra"

// namesOf returns two results. all contains the names of the limiters to measure, and with is the one of them that the
// others are compared with. If beside is empty, with is redis_rate, or the last name if redis_rate isn't among the names.
func namesOf(names, beside string) (all, with string) {
	if names == "results" {
		names = inResults
	}
	list := strings.Split(names, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	if beside == "" {
		if beside = defaultBeside; names != "all" && !slices.Contains(list, beside) {
			beside = list[len(list)-1]
		}
	}
	if names != "all" && !slices.Contains(list, beside) {
		list = append(list, beside)
	}
	return strings.Join(list, ","), beside
}

// choose returns the limiters with the given names, in the order of the names. For "all" and the default names it leaves out
// limiters that can't run on this server. If the user has named such a limiter, it returns an error.
func choose(all []round.Limiter, names string) (chosen []round.Limiter, err error) {
	if names == "all" {
		return slices.DeleteFunc(slices.Clone(all), func(l round.Limiter) bool { return l.Unfit != "" }), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(l round.Limiter) bool { return l.Name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("there is no limiter %q; measure -limiters list prints their names", name)
		case all[i].Unfit != "" && names != defaultLimiters:
			return nil, fmt.Errorf("%s can't be measured here: %s", name, all[i].Unfit)
		case all[i].Unfit == "" && !slices.Contains(chosen, all[i]):
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

// unfit returns a warning for each limiter that choose leaves out.
func unfit(all []round.Limiter, names string) (warnings []string) {
	for _, l := range all {
		if l.Unfit != "" && (names == "all" || names == defaultLimiters && slices.Contains(strings.Split(names, ","), l.Name)) {
			warnings = append(warnings, fmt.Sprintf("%s is left out: %s", l.Name, l.Unfit))
		}
	}
	return warnings
}
