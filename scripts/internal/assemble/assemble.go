// Package assemble makes the Lua files of package scripts from the fragments in scripts/src, which are templates of
// text/template. An algorithm's fragments are its header and the chunks of a decision; a driver puts them together for
// one request, for a look that writes nothing, for many requests, for as much of a request as fits, or for a request whose
// charge is settled later.
package assemble

import (
	"fmt"
	"io/fs"
	"strings"
	"text/template"
)

// files are the scripts: the templates of each algorithm, and its drivers.
var files = []struct {
	name      string
	fragments []string
	drivers   []string
}{
	{"gcra", []string{"drivers", "tat", "gcra", "gcra_settle"}, []string{"decide", "peek", "many", "most", "reserve", "settle"}},
	{"queue", []string{"drivers", "tat", "queue"}, []string{"decide", "many"}},
	{"queue_cancel", []string{"queue_cancel"}, []string{"decide"}},
	{"fixedwindow", []string{"drivers", "fixedwindow", "fixedwindow_settle"}, []string{"decide", "peek", "many", "most", "reserve", "settle"}},
	{"slidinglog", []string{"drivers", "slidinglog", "slidinglog_settle"}, []string{"decide", "peek", "many", "most", "reserve", "settle"}},
	{"reset", []string{"reset"}, []string{"decide"}},
}

// Scripts returns the text of each Lua file by its name.
func Scripts(src fs.FS) (map[string]string, error) {
	texts := map[string]string{}
	for _, file := range files {
		t := template.New(file.name)
		t.Funcs(template.FuncMap{
			"indented": func(name, driver string) (string, error) {
				var text strings.Builder
				err := t.ExecuteTemplate(&text, name, driver)
				return indent(name, text.String()), err
			},
			"decidesOnOne": func(driver string) bool { return driver == "decide" || driver == "most" || driver == "reserve" },
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

// indent returns a chunk under its title, all within a function.
func indent(name, text string) string {
	lines := strings.Split("-- ["+name+"]\n"+text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "\n")
}
