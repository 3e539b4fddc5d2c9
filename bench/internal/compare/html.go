package compare

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"strings"

	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

//go:embed body.html
var bodyText string

var bodyTemplate = template.Must(template.New("body").Parse(bodyText))

// The data for the part of the page that shows one trace.
type (
	bodyTrace struct {
		Comparison
		Figures []bodyFigure
		Tables  []bodyTable
	}
	bodyFigure struct {
		Caption string
		Picture template.HTML
	}
	bodyTable struct {
		Name   string
		Header []string
		Lines  [][]string
	}
)

// HTML returns the report as a self-contained page. The page also has the JSON document, without the decisions if there are
// many.
func (r Report) HTML() ([]byte, error) {
	var traces []bodyTrace
	for _, c := range r.Comparisons {
		t := bodyTrace{Comparison: c}
		for _, f := range c.figures() {
			caption := ""
			if f.suffix != "" {
				caption = "Closer, around the most that passed in one period:"
			}
			f.title = "" // the page has it as a heading
			t.Figures = append(t.Figures, bodyFigure{caption, picture.Inline(f.alt(), f.height(false), f.height(true), f.draw)})
		}
		header, lines := c.totals()
		t.Tables = append(t.Tables, bodyTable{"Totals of " + c.Title(), header, lines})
		if header, lines := c.keys(100); len(lines) > 0 {
			t.Tables = append(t.Tables, bodyTable{"The most denied keys of " + c.Title(), header, lines})
		}
		traces = append(traces, t)
	}
	every := r.decisions() <= manyDecisions
	var body, document, page bytes.Buffer
	if err := bodyTemplate.Execute(&body, map[string]any{
		"Server": r.Server, "Traces": traces, "Decisions": every,
	}); err != nil {
		return nil, err
	}
	if err := r.JSON(&document, every); err != nil {
		return nil, err
	}
	err := picture.Page{
		Title: r.title(), Command: r.Command, Date: r.Date,
		Body: template.HTML(body.String()), Data: json.RawMessage(document.Bytes()),
	}.Write(&page)
	return page.Bytes(), err
}

// title returns the title of the page. It names the traces.
func (r Report) title() string {
	var names []string
	for i, c := range r.Comparisons {
		if i == 0 || c.Trace.Name != r.Comparisons[i-1].Trace.Name {
			names = append(names, c.Trace.Name)
		}
	}
	if len(r.Comparisons) == 1 {
		names[0] = r.Comparisons[0].Title()
	}
	return strings.Join(names, ", ") + ": rate limiters compared"
}

// Notes are the notes below the table.
func (t bodyTrace) Notes() []string { return t.notes() }

// svg returns the figure as an SVG file.
func (f figure) svg() []byte {
	return picture.SVG(picture.Wide, f.height(false), f.alt(), func(canvas draw.Canvas) { f.draw(canvas, false) })
}

// png returns the figure as a PNG file.
func (f figure) png() ([]byte, error) {
	return picture.PNG(picture.Wide, f.height(false), func(canvas draw.Canvas) { f.draw(canvas, false) })
}
