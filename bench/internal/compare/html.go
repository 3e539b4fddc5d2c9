package compare

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"

	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
)

//go:embed body.html
var bodyText string

var bodyTemplate = template.Must(template.New("body").Parse(bodyText))

// bodyTrace is what the page shows of one trace.
type bodyTrace struct {
	Comparison
	Figure template.HTML
	Header []string
	Lines  [][]string
}

// HTML returns the report as a page that needs nothing else. The JSON document is in it too; of many
// decisions only what they come to.
func (r Report) HTML() ([]byte, error) {
	var traces []bodyTrace
	for _, c := range r.Comparisons {
		t := bodyTrace{Comparison: c}
		f := newFigure(c)
		f.title = "" // a heading of the page
		t.Figure = picture.Inline(f.alt(), f.height(false), f.height(true), f.draw)
		t.Header, t.Lines = c.totals()
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
		Title: "bench compare", Body: template.HTML(body.String()), Data: json.RawMessage(document.Bytes()),
	}.Write(&page)
	return page.Bytes(), err
}

// Notes are the notes below the table.
func (t bodyTrace) Notes() []string { return t.notes() }

// svg returns the comparison's figure as an SVG file.
func (c Comparison) svg() []byte {
	f := newFigure(c)
	return picture.SVG(picture.Wide, f.height(false), f.alt(), func(canvas draw.Canvas) { f.draw(canvas, false) })
}

// png returns the comparison's figure as a PNG file.
func (c Comparison) png() ([]byte, error) {
	f := newFigure(c)
	return picture.PNG(picture.Wide, f.height(false), func(canvas draw.Canvas) { f.draw(canvas, false) })
}
