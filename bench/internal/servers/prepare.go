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

// Ready says how the servers of a kind can now be had, or why they can't.
type Ready struct {
	Kind Kind
	How  string
	Took time.Duration
	Err  error
}

// Engine names the Docker engine that servers will run on, or says that there is none and why.
func Engine() string {
	e, err := connect()
	if err != nil {
		return fmt.Sprintf("no Docker engine (%s)", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return "Docker engine " + e.version
}

// Prepare makes sure that a server of every kind can be started, and reports on each as soon as
// that is settled, one call at a time. It pulls images where a registry answers. Where none does it
// makes them from Debian's packages. Without an engine, or where it fails, it unpacks those packages for
// programs that the machine lacks. Last it reports on what [RunShifted] needs, as a kind named "faketime".
func Prepare(ctx context.Context, all []Kind, report func(Ready)) {
	begin := time.Now()
	var mu sync.Mutex
	tell := func(k Kind, how string, err error) {
		mu.Lock()
		defer mu.Unlock()
		report(Ready{Kind: k, How: how, Took: time.Since(begin), Err: err})
	}

	// Beside the rest, but told after it.
	var clockHow string
	var clockErr error
	var clock sync.WaitGroup
	clock.Go(func() { clockHow, clockErr = prepareFaketime(ctx, all) })
	defer func() {
		clock.Wait()
		tell(Kind{Name: "faketime"}, clockHow, clockErr)
	}()

	// What there is or what a registry has, all at once; then the rest, one run for each release.
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

// have looks for what can be had without building. If nothing, it returns errMustBuild or says why
// building is no help.
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
	case k.standsFor() && ctx.Err() == nil: // also where a pull fails
		return "", errMustBuild
	default:
		return "", err
	}
}

// describe says which program it is, and how large with all that was unpacked for it.
func (b *binary) describe() string {
	var size int64
	at, err := filepath.EvalSymlinks(cmp.Or(b.root, b.path)) // an installed server often is a link
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

// offer makes an unpacked server usable, unless unpacking it has failed: as an image if there is an
// engine that works, and else as it is.
func (k Kind) offer(ctx context.Context, failed error) (how string, err error) {
	if failed != nil {
		return "", failed
	}
	b := unpacked(k)
	if b == nil {
		return "", fmt.Errorf("no %s-server %s that runs here in Debian %s", k.program, k.version, k.suite())
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

// NewRun gives this process and those that it starts an identity on the containers they start, and
// returns what removes all of those that are left.
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
