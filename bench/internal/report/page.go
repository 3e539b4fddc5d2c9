package report

import (
	"encoding/base64"
	"io"
	"path/filepath"

	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/results"
)

// pageStyle is what this page needs besides what each page has: a table's first column stays in sight.
const pageStyle = `<style>
.scroll th:first-child{position:sticky;left:0;background:var(--background);font-weight:400}
.scroll thead th:first-child{font-weight:600}
.scroll th{text-align:right}
.scroll tbody th,.scroll td{vertical-align:top}
.scroll td:first-child,.scroll th:first-child,.scroll .text{text-align:left}
.scroll{margin:.5rem 0 1rem}
code.name{white-space:nowrap}
figure{margin:1.5rem 0}
figcaption{margin-bottom:.5rem}
summary{cursor:pointer;color:var(--muted);margin:.5rem 0}
</style>
`

// Page writes the report as an HTML page that needs nothing but itself. It holds the runs too, as JSON.
func (r Report) Page(w io.Writer) error {
	links := map[string]text{}
	for _, in := range r.Inputs {
		data, err := results.Marshal(in.Run)
		if err != nil {
			return err
		}
		links[in.Path] = text{{download, filepath.Base(in.Path), "data:application/json;base64," + base64.StdEncoding.EncodeToString(data)}}
	}
	type file struct {
		File string      `json:"file"`
		Run  results.Run `json:"run"`
	}
	var files []file
	for _, in := range r.Inputs {
		files = append(files, file{filepath.Base(in.Path), in.Run})
	}
	toFile := func(in Input) text { return links[in.Path] }
	return picture.Page{Title: title, Body: pageStyle + html(r.blocks(toFile)), Data: files}.Write(w)
}
