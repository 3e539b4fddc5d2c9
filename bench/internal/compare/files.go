package compare

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-weir/weir/bench/internal/wholefile"
)

// places say where files are to be written; without a name, none.
type places struct {
	page       string // the HTML page's path
	svgs, pngs string // the directories of pictures, made if they are missing
}

// write writes the page and the pictures that are asked for: all of them, or none if one can't be
// written or ctx has ended meanwhile.
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
		name := strings.TrimSuffix(c.Trace.Name, filepath.Ext(c.Trace.Name))
		if to.svgs != "" {
			files = append(files, wholefile.File{Path: filepath.Join(to.svgs, name+".svg"), Data: c.svg()})
		}
		if to.pngs != "" {
			picture, err := c.png()
			if err != nil {
				return err
			}
			files = append(files, wholefile.File{Path: filepath.Join(to.pngs, name+".png"), Data: picture})
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
