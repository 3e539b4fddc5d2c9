package browser

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Wants are requirements of a page.
type Wants struct {
	Pictures int      // the number of elements of class picture; each must have one visible rendering
	Texts    []string // texts that must be visible
}

// Requirements of every page.
const (
	leastContrast = 4.5 // of any text, from the Web Content Accessibility Guidelines
	leastSize     = 9   // of any text, in pixels
)

// CheckPage opens the HTML file at path on a wide screen and on a phone, in several fonts, in light and in dark mode. It
// reports these faults to t: a requirement of wants that isn't met; a request for anything except the file and data URLs; an
// error in the console; a page that is wider than the screen; a picture that isn't visible or is in the wrong rendering;
// texts that are too small or too pale; texts of a picture that touch each other or its edge.
func CheckPage(t *testing.T, path string, wants Wants) {
	t.Helper()
	browser, closeAll, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	faults, err := inspect(browser, path, wants)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Errorf("%s: %s", path, fault)
	}
}

//go:embed look.js
var look string

// A sight is the result of look.js.
type sight struct {
	Width    int64    // of the page, in pixels
	Dark     bool     // whether the page's background is dark
	Text     string   // all visible text
	Pictures []string // the class of the visible rendering of each picture, several separated by spaces
	SameIDs  []string // ids that several elements have
	Overlaps []string // texts of pictures that overlap another text or the picture's edge
	Texts    []seenText
}

type seenText struct {
	Text           string
	Size, Contrast float64
}

type screen struct {
	name          string
	width, height int64
	options       []chromedp.EmulateViewportOption
	rendering     string // the class of the rendering of pictures for this screen
}

var screens = []screen{
	{"wide screen", 1280, 900, nil, "wide"},
	{"phone", 375, 800, []chromedp.EmulateViewportOption{chromedp.EmulateMobile, chromedp.EmulateTouch}, "narrow"},
}

// inspect returns the faults of the page at path in a browser.
func inspect(browser context.Context, path string, wants Wants) ([]string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
	ctx, events, closeTab, err := tab(browser)
	if err != nil {
		return nil, err
	}
	defer closeTab()
	var faults []string
	for _, screen := range screens {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(screen.width, screen.height, screen.options...), chromedp.Navigate(address)); err != nil {
			return nil, fmt.Errorf("browser: %s: %w", path, err)
		}
		for i, face := range faces {
			modes := []string{"light"}
			if i == 0 { // colours don't depend on the font
				modes = []string{"dark", "light"}
			}
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](face.script(), chromedp.EvalAwaitPromise)); err != nil {
				return nil, fmt.Errorf("browser: %s in %s: %w", path, face.name, err)
			}
			for _, mode := range modes {
				seen, err := see(ctx, mode)
				if err != nil {
					return nil, fmt.Errorf("browser: %s: %w", path, err)
				}
				for _, fault := range seen.faults(wants, screen, mode == "dark") {
					faults = append(faults, fmt.Sprintf("on a %s in %s mode in %s: %s", screen.name, mode, face.name, fault))
				}
			}
		}
	}
	return append(faults, events.faults(address)...), nil
}

// see runs look.js on the page in a mode, light or dark.
func see(ctx context.Context, mode string) (sight, error) {
	scheme := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: mode}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, scheme); err != nil {
		return sight{}, err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[sight](look))
}

// faults returns the faults of what is visible.
func (s sight) faults(wants Wants, on screen, dark bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if s.Width > on.width {
		fault("the page is %d pixels wide, want %d", s.Width, on.width)
	}
	if s.Dark != dark {
		fault("the background is of the other mode")
	}
	for _, text := range wants.Texts {
		if !strings.Contains(s.Text, text) {
			fault("there is no text %q", text)
		}
	}
	if len(s.Pictures) != wants.Pictures {
		fault("there are %d pictures, want %d", len(s.Pictures), wants.Pictures)
	}
	for i, shown := range s.Pictures {
		if shown != on.rendering {
			fault("picture %d shows the renderings %q, want %q", i, shown, on.rendering)
		}
	}
	for _, id := range s.SameIDs {
		fault("several elements have the id %q", id)
	}
	for _, overlap := range s.Overlaps {
		fault("%s", overlap)
	}
	if len(s.Texts) == 0 {
		fault("there is no text")
	}
	for _, text := range s.Texts {
		if text.Size < leastSize {
			fault("%q is %.1f pixels high, want %d", text.Text, text.Size, leastSize)
		}
		if text.Contrast < leastContrast {
			fault("%q has a contrast of %.2f, want %.1f", text.Text, text.Contrast, leastContrast)
		}
	}
	return faults
}
