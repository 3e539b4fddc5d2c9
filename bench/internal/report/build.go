package report

import (
	"net/url"
	"path/filepath"
)

const title = "Rate limiters, measured side by side"

// blocks returns the whole document. ToFile returns a link to the file of a run.
func (r Report) blocks(toFile func(Input) text) []block {
	blocks := []block{
		heading{1, title},
		paragraph(say("What deciding on a request costs, by limiter, under the same loads. Ratios are to ").plus(name(r.Baseline)).and(".")),
		onPage{r.contents()},
	}
	blocks = append(blocks, r.summary()...)
	blocks = append(blocks, r.reading()...)
	blocks = append(blocks, r.measured(toFile)...)
	for _, s := range r.Servers {
		blocks = append(blocks, heading{2, s.title()})
		if unfit := r.unfit(s); len(unfit) > 0 {
			blocks = append(blocks, unfit)
		}
		blocks = append(blocks, r.serverFigures(s)...)
		blocks = append(blocks, r.stability(s)...)
		for _, g := range s.groups() {
			blocks = append(blocks, r.groupBlocks(s, g)...)
		}
		blocks = append(blocks, r.memory(s)...)
		blocks = append(blocks, r.accuracy(s)...)
		blocks = append(blocks, r.clientCosts(s)...)
	}
	return blocks
}

// contents are links to the sections.
func (r Report) contents() block {
	w := htmlWriter{ids: map[string]int{}}
	var items list
	add := func(title string) { items = append(items, to(title, "#"+w.id(title))) }
	if len(r.summary()) > 0 {
		add("In short")
	}
	add("How to read it")
	add("What was measured")
	for _, s := range r.Servers {
		add(s.title())
	}
	return items
}

// Markdown returns the report as Markdown that lies in that folder, from which the links to the runs'
// files go out; or, if the folder is "", with the files' names as they are.
func (r Report) Markdown(folder string) string {
	return markdown(r.blocks(func(in Input) text {
		path := in.Path
		if folder != "" {
			path = relative(folder, path)
		}
		path = filepath.ToSlash(path)
		return to(path, (&url.URL{Path: path}).EscapedPath())
	}))
}

// relative returns the path as it is seen from a folder, if there is a way.
func relative(folder, path string) string {
	from, errFrom := filepath.Abs(folder)
	there, errThere := filepath.Abs(path)
	if errFrom != nil || errThere != nil {
		return path
	}
	if way, err := filepath.Rel(from, there); err == nil {
		return way
	}
	return path
}
