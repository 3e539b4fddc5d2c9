package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A markdownWriter writes blocks in GitHub's Markdown.
type markdownWriter struct{ strings.Builder }

// markdown returns blocks as Markdown.
func markdown(blocks []block) string {
	var w markdownWriter
	w.blocks(blocks)
	return strings.TrimRight(w.String(), "\n") + "\n"
}

func (w *markdownWriter) blocks(blocks []block) {
	for _, b := range blocks {
		b.writeMarkdown(w)
	}
}

func (h heading) writeMarkdown(w *markdownWriter) {
	fmt.Fprintf(w, "%s %s\n\n", strings.Repeat("#", h.level), escapeMarkdown(h.text))
}

func (p paragraph) writeMarkdown(w *markdownWriter) {
	w.WriteString(wrapped(text(p).markdown(false), "") + "\n")
}

func (l list) writeMarkdown(w *markdownWriter) {
	for _, item := range l {
		w.WriteString("- " + wrapped(item.markdown(false), "  "))
	}
	w.WriteString("\n")
}

func (t table) writeMarkdown(w *markdownWriter) {
	rows := [][]string{}
	widths := make([]int, len(t.head))
	for _, row := range append([][]text{t.head}, t.rows...) {
		cells := make([]string, len(t.head))
		for i := range cells {
			if i < len(row) {
				cells[i] = row[i].markdown(true)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]), 3)
		}
		rows = append(rows, cells)
	}
	for n, cells := range rows {
		for i, cell := range cells {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.isText(i) {
				fmt.Fprintf(w, "| %s%s ", cell, space)
			} else {
				fmt.Fprintf(w, "| %s%s ", space, cell)
			}
		}
		w.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, width := range widths {
			if t.isText(i) {
				w.WriteString("|" + strings.Repeat("-", width+2))
			} else {
				w.WriteString("|" + strings.Repeat("-", width+1) + ":")
			}
		}
		w.WriteString("|\n")
	}
	w.WriteString("\n")
}

func (f fold) writeMarkdown(w *markdownWriter) {
	fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", escapeHTML(f.title))
	w.blocks(f.blocks)
	w.WriteString("</details>\n\n")
}

func (figure) writeMarkdown(*markdownWriter) {}
func (onPage) writeMarkdown(*markdownWriter) {}

// markdown returns a text as Markdown, in one line. Within a table a bar is escaped even in code.
func (t text) markdown(inTable bool) string {
	var b strings.Builder
	for _, s := range t {
		switch s.kind {
		case plain:
			b.WriteString(escapeMarkdown(s.text))
		case code:
			b.WriteString(codeMarkdown(s.text, inTable))
		case strong:
			b.WriteString("**" + escapeMarkdown(s.text) + "**")
		case link, download:
			b.WriteString("[" + escapeMarkdown(s.text) + "](<" + escapeTarget.Replace(s.target) + ">)")
		case newLine:
			b.WriteString("<br>")
		}
	}
	return b.String()
}

var (
	escapeTarget = strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "\n", "%0A", "\r", "%0D", `\`, "%5C")
	special      = strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "|", `\|`, "#", `\#`, "~", `\~`, "&", `\&`, "$", `\$`,
	)
)

func escapeMarkdown(s string) string { return special.Replace(oneLine(s)) }

// codeMarkdown returns s between as many backticks as it does not hold itself.
func codeMarkdown(s string, inTable bool) string {
	s = oneLine(s)
	if s == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	if inTable {
		s = strings.ReplaceAll(s, "|", `\|`)
	}
	return fence + s + fence
}

// oneLine returns s with a space for each other white space.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// wrapped returns s as lines of about a hundred columns. A line never begins with what could be read as
// the beginning of a list or of a heading.
func wrapped(s, indent string) string {
	const columns = 110
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(s, " ") {
		width := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+width > columns && !strings.ContainsAny(word[:min(1, len(word))], "-+=0123456789"):
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += width
	}
	return b.String() + "\n"
}
