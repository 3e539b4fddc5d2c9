package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-weir/weir/bench/instructions/variants"
	"github.com/go-weir/weir/bench/internal/modules"
	"github.com/go-weir/weir/scripts"
)

// shipped returns the cases with the shipped scripts.
func shipped() (all []subject) {
	for _, c := range weirCases {
		all = append(all, c.subject(c.name, nil, nil))
	}
	return all
}

// tried returns each case, followed by the same case with its floor and with each of its variants. If a variant's edits no
// longer fit its script, the variant is one subject, which fails.
func tried() (all []subject, err error) {
	root, err := modules.FindRoot(".")
	if err != nil {
		return nil, fmt.Errorf("the floors are read from the repository: %w", err)
	}
	texts := map[string]*scripts.Script{} // of variants
	for _, v := range variants.All {
		text, err := v.Source()
		if err != nil {
			all = append(all, subject{v.Name, func(context.Context, *counter) (float64, error) { return 0, err }})
			continue
		}
		texts[v.Name] = scripts.New(v.Name, text)
	}
	for _, c := range weirCases {
		all = append(all, c.subject(c.name, nil, nil))
		floor, err := os.ReadFile(filepath.Join(root, "bench", "peers", "floors", c.floor()))
		if err == nil {
			all = append(all, c.subject(c.name+"/floor", scripts.New("floor", string(floor)), nil))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, v := range variants.All {
			if text := texts[v.Name]; text != nil && v.Script == c.script {
				all = append(all, c.subject(c.name+"/"+path.Base(v.Name), text, v.Args))
			}
		}
	}
	return all, nil
}

// floor returns the name of the file that makes the calls of the case's script without any logic. The file may not exist.
func (c weirCase) floor() string {
	if c.denied {
		return c.script.Name() + "_full.lua"
	}
	return c.script.Name() + ".lua"
}

// fromFile returns the subjects of the text of a file. If a script is named, they are its cases, each with the shipped
// script and with the text. Otherwise the text is called with args, which are separated by commas.
func fromFile(file, text, script, args string) (all []subject) {
	if script == "" {
		return []subject{alone(file, text, args)}
	}
	for _, c := range weirCases {
		if c.script.Name() == script {
			all = append(all, c.subject(c.name, nil, nil), c.subject(c.name+"/"+file, scripts.New(file, text), nil))
		}
	}
	return all
}

// alone returns the subject of a text that is called with one key and the same arguments each time. Its reply is ignored.
func alone(file, text, args string) subject {
	return subject{name: file, count: func(ctx context.Context, on *counter) (float64, error) {
		sha, err := on.client.ScriptLoad(ctx, text).Result()
		if err != nil {
			return 0, err
		}
		var line []any
		if args != "" {
			for arg := range strings.SplitSeq(args, ",") {
				line = append(line, arg)
			}
		}
		return on.count(ctx, each(func(ctx context.Context, _ int) error {
			return on.client.EvalSha(ctx, sha, []string{keyOf(0)}, line...).Err()
		}))
	}}
}
