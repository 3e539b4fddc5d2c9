package servers

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Ready says where the servers of a kind are from, or why they aren't available.
type Ready struct {
	Kind Kind
	How  string
	Took time.Duration
	Err  error
}

// Engine returns a description of the Docker engine that servers run on, or the reason why there is none.
func Engine() string {
	e, err := connect()
	if err != nil {
		return fmt.Sprintf("no Docker engine (%s)", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return "Docker engine " + e.version
}

// Prepare makes servers of all kinds available. It calls report for each kind as soon as the result is known, one call at a
// time. It pulls images if a registry answers, and otherwise makes them from Debian's packages. If there is no working engine,
// it unpacks these packages for programs that aren't installed. Finally it reports on the library that [RunShifted] needs, as
// a kind named "faketime".
func Prepare(ctx context.Context, all []Kind, report func(Ready)) {
	begin := time.Now()
	var mu sync.Mutex
	tell := func(k Kind, how string, err error) {
		mu.Lock()
		defer mu.Unlock()
		report(Ready{Kind: k, How: how, Took: time.Since(begin), Err: err})
	}

	// This runs at the same time as the rest, but is reported last.
	var clockHow string
	var clockErr error
	var clock sync.WaitGroup
	clock.Go(func() { clockHow, clockErr = prepareFaketime(ctx, all) })
	defer func() {
		clock.Wait()
		tell(Kind{Name: "faketime"}, clockHow, clockErr)
	}()

	// First the kinds that are present or in a registry, all at once; then the others, by Debian release.
	var wg sync.WaitGroup
	rest := map[string][]Kind{}
	for _, k := range all {
		wg.Go(func() {
			how, err := have(ctx, k)
			if errors.Is(err, errMustBuild) {
				mu.Lock()
				defer mu.Unlock()
				rest[k.suite()] = append(rest[k.suite()], k)
				return
			}
			tell(k, how, err)
		})
	}
	wg.Wait()
	for suite, missing := range rest {
		wg.Go(func() {
			err := unpack(ctx, suite, missing)
			for _, k := range missing {
				how, err := k.offer(ctx, err)
				tell(k, how, err)
			}
		})
	}
	wg.Wait()
}

var errMustBuild = errors.New("has to be built")

// have looks for a server that needs no building. If there is none, it returns errMustBuild, or an error that says why building
// isn't possible.
func have(ctx context.Context, k Kind) (how string, err error) {
	e := usable()
	if e == nil {
		if b := findBinary(k); b != nil {
			return b.describe(), nil
		}
		if k.suite() == "" {
			return "", fmt.Errorf("no Docker engine, no %s-server %s on this machine, and no Debian release known that has it",
				k.program, k.version)
		}
		return "", errMustBuild
	}
	pulled, err := e.obtain(ctx, k.Image)
	switch {
	case pulled:
		return "image " + k.Image + " pulled, " + e.size(ctx, k.Image), nil
	case err == nil:
		return "image " + k.Image + " present, " + e.size(ctx, k.Image), nil
	case e.hasBuilt(ctx, k):
		return "image " + k.builtImage() + " present, " + e.size(ctx, k.builtImage()), nil
	case k.standsFor() && ctx.Err() == nil: // also if a pull fails
		return "", errMustBuild
	default:
		return "", err
	}
}

// describe returns the path of the program, and its size including everything that was unpacked with it.
func (b *binary) describe() string {
	var size int64
	at, err := filepath.EvalSymlinks(cmp.Or(b.root, b.path)) // an installed server is often a link
	if err == nil {
		err = filepath.WalkDir(at, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				size += info.Size()
			}
			return err
		})
	}
	if err != nil {
		return b.version + ", binary " + b.path
	}
	return b.version + ", binary " + b.path + ", " + megabytes(size)
}

// offer makes an unpacked server usable, unless unpacking has failed. With a working engine it makes an image of it. Otherwise
// the unpacked program is used.
func (k Kind) offer(ctx context.Context, failed error) (how string, err error) {
	if failed != nil {
		return "", failed
	}
	b := unpacked(k)
	if b == nil {
		return "", fmt.Errorf("no %s-server %s for this machine in Debian %s", k.program, k.version, k.suite())
	}
	asItIs := b.describe() + " unpacked from Debian " + k.suite()
	e := usable()
	if e == nil {
		return asItIs, nil
	}
	if err := e.importRoot(ctx, k); ctx.Err() != nil {
		return "", err
	} else if err != nil {
		e.broken.Store(true)
		return fmt.Sprintf("%s (%v: %s)", asItIs, errEngine, strings.ReplaceAll(err.Error(), "\n", "; ")), nil
	}
	return fmt.Sprintf("image %s built from Debian %s, %s %s, %s",
		k.builtImage(), k.suite(), k.program, b.version, e.size(ctx, k.builtImage())), nil
}

// NewRun sets a label for the containers that this process and its child processes start. It returns a function that removes all
// containers with the label that are left.
func NewRun() (sweep func() error) {
	run := rand.Text()
	_ = os.Setenv(runEnv, run)
	return func() error {
		e, _ := connect()
		if e == nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return e.sweep(ctx, run)
	}
}
