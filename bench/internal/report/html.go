package report

import (
	"fmt"
	"html/template"
	"strings"
)

// An htmlWriter writes blocks as HTML.
type htmlWriter struct {
	strings.Builder
	ids map[string]int // of headings: how often each was there
}

// html returns blocks as HTML.
func html(blocks []block) template.HTML {
	w := htmlWriter{ids: map[string]int{}}
	w.blocks(blocks)
	return template.HTML(w.String())
}

func (w *htmlWriter) blocks(blocks []block) {
	for _, b := range blocks {
		b.writeHTML(w)
	}
}

func (h heading) writeHTML(w *htmlWriter) {
	fmt.Fprintf(w, "<h%d id=%q>%s</h%[1]d>\n", h.level, w.id(h.text), escapeHTML(h.text))
}

func (p paragraph) writeHTML(w *htmlWriter) {
	fmt.Fprintf(w, "<p>%s</p>\n", text(p).html())
}

func (l list) writeHTML(w *htmlWriter) {
	w.WriteString("<ul>\n")
	for _, item := range l {
		fmt.Fprintf(w, "<li>%s</li>\n", item.html())
	}
	w.WriteString("</ul>\n")
}

func (t table) writeHTML(w *htmlWriter) {
	row := func(cells []text, element string) {
		w.WriteString("<tr>")
		for i := range t.head {
			cell, e, class := "", element, ""
			if i < len(cells) {
				cell = cells[i].html()
			}
			if i == 0 && element == "td" {
				e = `th scope="row"`
			} else if element == "th" {
				e = `th scope="col"`
			}
			if t.isText(i) {
				class = ` class="text"`
			}
			fmt.Fprintf(w, "<%s%s>%s</%s>", e, class, cell, e[:2])
		}
		w.WriteString("</tr>\n")
	}
	w.WriteString("<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead>")
	row(t.head, "th")
	w.WriteString("</thead>\n<tbody>\n")
	for _, cells := range t.rows {
		row(cells, "td")
	}
	w.WriteString("</tbody>\n</table>\n</div>\n")
}

func (f fold) writeHTML(w *htmlWriter) {
	fmt.Fprintf(w, "<details>\n<summary>%s</summary>\n", escapeHTML(f.title))
	w.blocks(f.blocks)
	w.WriteString("</details>\n")
}

func (f figure) writeHTML(w *htmlWriter) {
	fmt.Fprintf(w, "<figure>\n<figcaption>%s</figcaption>\n%s</figure>\n", f.caption.html(), f.drawing)
}

func (o onPage) writeHTML(w *htmlWriter) { o.block.writeHTML(w) }

// html returns a text as HTML.
func (t text) html() string {
	var b strings.Builder
	for _, s := range t {
		text, target := escapeHTML(s.text), escapeHTML(s.target)
		switch s.kind {
		case plain:
			b.WriteString(text)
		case code:
			if strings.Contains(text, " ") {
				b.WriteString("<code>" + text + "</code>")
			} else {
				b.WriteString(`<code class="name">` + text + "</code>")
			}
		case strong:
			b.WriteString("<strong>" + text + "</strong>")
		case link:
			b.WriteString(`<a href="` + target + `">` + text + "</a>")
		case download:
			b.WriteString(`<a download="` + text + `" href="` + target + `">` + text + "</a>")
		case newLine:
			b.WriteString("<br>")
		}
	}
	return b.String()
}

func escapeHTML(s string) string { return template.HTMLEscapeString(s) }

// id returns an id for a heading, which no other on the page has.
func (w *htmlWriter) id(heading string) string {
	id := slug(heading)
	w.ids[id]++
	if n := w.ids[id]; n > 1 {
		return fmt.Sprintf("%s-%d", id, n)
	}
	return id
}

// slug returns a text as a part of a link.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
