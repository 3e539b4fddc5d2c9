package main

import (
	"regexp"
	"strings"
)

// operators are the changes that break a line.
var operators = []struct {
	find    *regexp.Regexp
	replace string
}{
	{regexp.MustCompile(` < `), ` <= `},
	{regexp.MustCompile(` <= `), ` < `},
	{regexp.MustCompile(` > `), ` >= `},
	{regexp.MustCompile(` >= `), ` > `},
	{regexp.MustCompile(` == `), ` ~= `},
	{regexp.MustCompile(` ~= `), ` == `},
	{regexp.MustCompile(` \+ `), ` - `},
	{regexp.MustCompile(` - `), ` + `},
	{regexp.MustCompile(` % `), ` * `},
	{regexp.MustCompile(` and `), ` or `},
	{regexp.MustCompile(` or `), ` and `},
	{regexp.MustCompile(`\bnot `), ``},
	{regexp.MustCompile(`\b1\b`), `2`},
	{regexp.MustCompile(`\b0\b`), `1`},
	{regexp.MustCompile(`\b2 \^ `), `1 ^ `},
	{regexp.MustCompile(`\b(1000|1000000|3600000|100)\b`), `1`},
	{regexp.MustCompile(`math\.ceil`), `math.floor`},
	{regexp.MustCompile(`math\.min`), `math.max`},
	{regexp.MustCompile(`math\.max`), `math.min`},
	{regexp.MustCompile(`'PX'`), `'EX'`},
	{regexp.MustCompile(`^(\s*)redis\.call\(.*\)$`), `$1-- removed`},
	{regexp.MustCompile(`^(\s*)(\w+(?:, \w+)*) = .*$`), `$1-- removed`},
}

// A mutant is a fragment with one place broken.
type mutant struct {
	fragment string
	line     int
	was, is  string
	text     string // the whole changed file
}

// action matches an action of the template, which is not Lua.
var action = regexp.MustCompile(`\{\{.*?\}\}`)

// mutantsOf returns a mutant for each way to break one place of a fragment.
func mutantsOf(fragment, text string) (mutants []mutant) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		code, _, _ := strings.Cut(line, " -- ")
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		actions := action.FindAllStringIndex(code, -1)
		for _, op := range operators {
			for _, at := range op.find.FindAllStringIndex(code, -1) {
				if inside(at, actions) {
					continue
				}
				broken := code[:at[0]] + op.find.ReplaceAllString(code[at[0]:at[1]], op.replace) + code[at[1]:]
				copied := append([]string(nil), lines...)
				copied[i] = broken
				mutants = append(mutants, mutant{
					fragment, i + 1, strings.TrimSpace(code), strings.TrimSpace(broken), strings.Join(copied, "\n"),
				})
			}
		}
	}
	return mutants
}

// inside reports whether a place lies within an action.
func inside(place []int, actions [][]int) bool {
	for _, one := range actions {
		if place[0] >= one[0] && place[1] <= one[1] {
			return true
		}
	}
	return false
}
