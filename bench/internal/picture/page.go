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

// A Page is a self-contained HTML page. It loads no scripts, fonts or other resources.
type Page struct {
	Title   string
	Command string        // the command that made the page, shown at the end; "" to show none
	Date    time.Time     // the time of the command, shown with it
	Body    template.HTML // the content of the main element; tables go into a div of class "scroll"
	Data    any           // if not nil, embedded as JSON in a script element with the id data
}

// Write writes the page as an HTML document.
func (p Page) Write(w io.Writer) error {
	return pageTemplate.Execute(w, struct {
		Page
		Style template.CSS
	}{p, template.CSS(variables() + pageStyle)})
}
