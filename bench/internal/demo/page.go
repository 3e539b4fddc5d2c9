package demo

import (
	"bytes"
	_ "embed"
	"html/template"

	"gonum.org/v1/plot/vg/draw"

	"github.com/go-weir/weir/bench/internal/picture"
	"github.com/go-weir/weir/bench/internal/wholefile"
)

//go:embed body.html
var bodyText string

var bodyTemplate = template.Must(template.New("body").Parse(bodyText))

// places are the paths to write to. Nothing is written for an empty path.
type places struct{ page, svg, png string }

// check returns an error if one of the files can't be written. It is for use before the run.
func (p places) check() error {
	for _, path := range []string{p.page, p.svg, p.png} {
		if path == "" {
			continue
		}
		if err := wholefile.Writable(path); err != nil {
			return err
		}
	}
	return nil
}

// write writes the files of places. If the content of one can't be stored, it replaces no file.
func (r report) write(to places) error {
	var files []wholefile.File
	f := newFigure(r)
	paint := func(c draw.Canvas) { f.draw(c, false) }
	if to.page != "" {
		page, err := r.page(f)
		if err != nil {
			return err
		}
		files = append(files, wholefile.File{Path: to.page, Data: page})
	}
	if to.svg != "" {
		files = append(files, wholefile.File{Path: to.svg, Data: picture.SVG(picture.Wide, f.height(false), f.alt(), paint)})
	}
	if to.png != "" {
		drawn, err := picture.PNG(picture.Wide, f.height(false), paint)
		if err != nil {
			return err
		}
		files = append(files, wholefile.File{Path: to.png, Data: drawn})
	}
	return wholefile.Write(files...)
}

// page returns the report as a self-contained HTML page.
func (r report) page(f figure) ([]byte, error) {
	var body, page bytes.Buffer
	if err := bodyTemplate.Execute(&body, struct {
		report
		Figure template.HTML
		Header []string
	}{r, picture.Inline(f.alt(), f.height(false), f.height(true), f.draw), header}); err != nil {
		return nil, err
	}
	err := picture.Page{
		Title: "One limit, " + r.Processes + ": rate limiters", Command: r.Command, Date: r.Date, Body: template.HTML(body.String()),
	}.Write(&page)
	return page.Bytes(), err
}

// InterruptedNote returns the note of a report that was interrupted, or "".
func (r report) InterruptedNote() string {
	if r.Interrupted {
		return interruptedNote
	}
	return ""
}
