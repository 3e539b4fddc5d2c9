package compare

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-weir/weir/bench/internal/wholefile"
)

// places are the paths to write to. Nothing is written for an empty path.
type places struct {
	page       string // the HTML page's path
	svgs, pngs string // the directories of pictures, made if they are missing
}

// check returns an error if one of them can't be written. It is for use before the run.
func (p places) check() error {
	dir := filepath.Dir(p.page)
	made := p.svgs != "" && dir == filepath.Clean(p.svgs) || p.pngs != "" && dir == filepath.Clean(p.pngs)
	if info, err := os.Stat(p.page); p.page != "" && (!made || err == nil && info.IsDir()) {
		if err := wholefile.Writable(p.page); err != nil {
			return err
		}
	}
	for _, dir := range []string{p.svgs, p.pngs} {
		if dir == "" {
			continue
		}
		if err := wholefile.WritableDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// write writes the page and the pictures of places, unless ctx has ended. If the content of one can't be stored, it replaces no
// file.
func (r Report) write(ctx context.Context, to places) error {
	var files []wholefile.File
	if to.page != "" {
		page, err := r.HTML()
		if err != nil {
			return err
		}
		files = append(files, wholefile.File{Path: to.page, Data: page})
	}
	for _, c := range r.Comparisons {
		if to.svgs == "" && to.pngs == "" {
			break
		}
		for _, f := range c.figures() {
			name := strings.TrimSuffix(c.Trace.Name, filepath.Ext(c.Trace.Name)) + r.suffix(c) + f.suffix
			if to.svgs != "" {
				files = append(files, wholefile.File{Path: filepath.Join(to.svgs, name+".svg"), Data: f.svg()})
			}
			if to.pngs != "" {
				picture, err := f.png()
				if err != nil {
					return err
				}
				files = append(files, wholefile.File{Path: filepath.Join(to.pngs, name+".png"), Data: picture})
			}
		}
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	for _, dir := range []string{to.svgs, to.pngs} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return fmt.Errorf("can't write to %s: %w", dir, err)
		}
	}
	return wholefile.Write(files...)
}

// suffix returns a part for file names that distinguishes the pictures of one trace under several limits.
func (r Report) suffix(c Comparison) string {
	for _, other := range r.Comparisons {
		if other.Trace.Name == c.Trace.Name && other.Trace.Limit != c.Trace.Limit {
			return " " + strings.NewReplacer("/", " per ").Replace(c.Trace.Limit.String())
		}
	}
	return ""
}
