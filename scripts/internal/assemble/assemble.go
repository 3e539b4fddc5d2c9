// Package assemble makes the Lua files of package scripts from the fragments in scripts/src, which are templates of
// text/template. An algorithm's fragments are its header and the chunks of a decision. A driver puts them together for
// one request, for a Peek, for many requests, for as many events of a request as fit, or for a request whose
// charge is settled later.
package assemble

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

// files lists the templates of each script, and its drivers.
var files = []struct {
	name      string
	fragments []string
	drivers   []string
}{
	{"gcra", []string{"drivers", "tat", "gcra", "gcra_settle"}, []string{"decide", "peek", "many", "most", "reserve", "settle"}},
	{"queue", []string{"drivers", "tat", "queue"}, []string{"decide", "many"}},
	{"queue_cancel", []string{"queue_cancel"}, []string{"decide"}},
	{"inflight_acquire", []string{"drivers", "inflight", "inflight_acquire"}, []string{"decide"}},
	{"inflight_renew", []string{"drivers", "inflight", "inflight_renew"}, []string{"decide"}},
	{"inflight_release", []string{"inflight_release"}, []string{"decide"}},
	{"inflight", []string{"drivers", "inflight", "inflight_peek"}, []string{"peek"}},
	{"fixedwindow", []string{"drivers", "fixedwindow", "fixedwindow_settle"}, []string{"decide", "peek", "many", "most", "reserve", "settle"}},
	{"slidinglog", []string{"drivers", "slidinglog", "slidinglog_settle"}, []string{"decide", "peek", "many", "most", "reserve", "settle"}},
	{"reset", []string{"reset"}, []string{"decide"}},
	{"allof", []string{"allof"}, []string{"decide", "peek", "reset"}}, // after the scripts whose chunks it uses
}

// Scripts returns the text of each Lua file by its name.
func Scripts(src fs.FS) (map[string]string, error) {
	texts := map[string]string{}
	made := map[string]*template.Template{}
	chunk := func(file, name, driver string) (string, error) {
		var text strings.Builder
		err := made[file].ExecuteTemplate(&text, name, driver)
		return text.String(), err
	}
	for _, file := range files {
		t := template.New(file.name)
		made[file.name] = t
		t.Funcs(template.FuncMap{
			"indented": func(name, driver string) (string, error) {
				text, err := chunk(file.name, name, driver)
				return indent(name, text, 1), err
			},
			"within": func(file, name, driver string) (string, error) {
				text, err := chunk(file, name, driver)
				return indent(name, within(text, file), 2), err
			},
			// decidesOnOne reports whether a driver decides on one request.
			"decidesOnOne": func(driver string) bool {
				return slices.Contains([]string{"decide", "allof", "most", "reserve"}, driver)
			},
		})
		for _, fragment := range file.fragments {
			if _, err := t.ParseFS(src, fragment+".tmpl"); err != nil {
				return nil, err
			}
		}
		for _, driver := range file.drivers {
			name := file.name + ".lua"
			if driver != "decide" {
				name = file.name + "_" + driver + ".lua"
			}
			var text strings.Builder
			if err := t.ExecuteTemplate(&text, driver, driver); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			texts[name] = text.String()
		}
	}
	return texts, nil
}

var (
	failing = regexp.MustCompile(`(?m)^( *)return (redis\.error_reply.*|expires)$`)
	several = regexp.MustCompile(`(?m)^( *)return (\{.*)$`)
	one     = regexp.MustCompile(`(?m)^( *)return (standing|used|allowed and packed or .*)$`)
)

// lasts has the argument of each algorithm that only some of its limits have.
var lasts = map[string]string{"gcra": "ARGV[6]", "fixedwindow": "ARGV[5]"}

// within returns an algorithm's chunk in the form for allof.lua. The key is called key. The arguments begin after the
// index from of ARGV. An argument that only some limits have is read if the kind is a capital letter. A reply that is an error
// or a table is marked.
func within(text, file string) string {
	text = strings.ReplaceAll(text, "KEYS[1]", "key")
	if last, some := lasts[file]; some {
		text = strings.ReplaceAll(text, last, "kind < 97 and "+last)
	}
	text = strings.ReplaceAll(text, "ARGV[", "ARGV[from + ")
	text = failing.ReplaceAllString(text, "${1}return nil, $2")
	text = one.ReplaceAllString(text, "${1}return all, $2")
	return several.ReplaceAllString(text, "${1}KEYS[0] = true\n${1}return all, $2")
}

// indent returns a chunk under its title, indented by a number of blocks.
func indent(name, text string, blocks int) string {
	lines := strings.Split("-- ["+name+"]\n"+text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat("  ", blocks) + line
		}
	}
	return strings.Join(lines, "\n")
}
