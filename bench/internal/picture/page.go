package picture

import (
	_ "embed"
	"html/template"
	"io"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// A Page is an HTML page that needs nothing but itself: no script, no font, no network.
type Page struct {
	Title   string
	Command string        // what was run, told at the end; "" for nothing told
	Date    time.Time     // when, told with the command
	Body    template.HTML // what stands in its main element; tables go into a div of class "scroll"
	Data    any           // if there is any: becomes JSON, in a script element of the id data
}

// Write writes the page as an HTML document.
func (p Page) Write(w io.Writer) error {
	return pageTemplate.Execute(w, struct {
		Page
		Style template.CSS
	}{p, template.CSS(variables() + pageStyle)})
}
