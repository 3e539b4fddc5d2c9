// Package report makes what the command measure has found readable: as Markdown, and as an HTML page
// with charts.
//
// Both are the same document, made of the blocks of this file: build.go puts them in order, markdown.go
// and html.go write them.
package report

import (
	"html/template"
	"slices"
)

// A text is a piece of running text: spans, one after the other.
type text []span

type span struct {
	kind   spanKind
	text   string
	target string // of a link
}

type spanKind int

const (
	plain spanKind = iota
	code           // a name, a command
	strong
	link
	download // a link whose target is to be saved as a file of the span's text
	newLine
)

func say(s string) text          { return text{{plain, s, ""}} }
func name(s string) text         { return text{{code, s, ""}} }
func stress(s string) text       { return text{{strong, s, ""}} }
func to(s, at string) text       { return text{{link, s, at}} }
func (t text) and(s string) text { return append(t[:len(t):len(t)], span{plain, s, ""}) }
func (t text) plus(u text) text  { return append(t[:len(t):len(t)], u...) }

// lines returns texts as lines of one.
func lines(texts []text) (all text) {
	for i, t := range texts {
		if i > 0 {
			all = append(all, span{kind: newLine})
		}
		all = append(all, t...)
	}
	return all
}

// A block is a part of the document.
type block interface {
	writeMarkdown(*markdownWriter)
	writeHTML(*htmlWriter)
}

type (
	heading struct {
		level int
		text  string
	}
	paragraph text
	list      []text
	table     struct {
		head  []text
		rows  [][]text
		texts []int // which columns are texts; the others are numbers
	}
	// A fold is shown when one asks for it.
	fold struct {
		title  string
		blocks []block
	}
	// A figure is on the page only.
	figure struct {
		caption text
		drawing template.HTML
	}
	// What is onPage is on the page only too.
	onPage struct{ block }
)

// isText says whether a column is one of texts. The first always is.
func (t table) isText(column int) bool { return column == 0 || slices.Contains(t.texts, column) }
