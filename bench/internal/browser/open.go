package browser

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Events are what happens on pages besides what is to be seen.
type events struct {
	mu       sync.Mutex
	requests []string // addresses
	errors   []string // in the console
}

// open starts a browser of its own, without a profile of before and without a network, and returns the
// context of a tab in it.
func open(parent context.Context) (ctx context.Context, seen *events, closeAll func(), err error) {
	path, err := find()
	if err != nil {
		return nil, nil, nil, err
	}
	profile, err := os.MkdirTemp("", "weir-bench-browser-")
	if err != nil {
		return nil, nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.DisableGPU,
		// Whatever asks for the network finds nobody.
		chromedp.Flag("proxy-server", "127.0.0.1:1"),
		chromedp.Flag("proxy-bypass-list", "<-loopback>"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox is not for root
	}
	ctx, stopBrowser := chromedp.NewExecAllocator(parent, options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	closeAll = func() {
		closeTab()
		stopBrowser()
		_ = os.RemoveAll(profile)
	}
	seen = &events{}
	if err = chromedp.Listen(ctx, seen.add); err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		closeAll()
		return nil, nil, nil, fmt.Errorf("browser: starting %s: %w", path, err)
	}
	return ctx, seen, closeAll, nil
}

// add notes an event.
func (e *events) add(event any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		e.requests = append(e.requests, event.Request.URL)
	case *runtime.EventExceptionThrown:
		e.errors = append(e.errors, event.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.ConsoleAPICalledTypeError {
			e.errors = append(e.errors, "console.error was called")
		}
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError {
			e.errors = append(e.errors, event.Entry.Text+" "+event.Entry.URL)
		}
	}
}

// faults says what has happened besides loading the page at address.
func (e *events) faults(address string) (faults []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := 0
	for _, request := range e.requests {
		switch {
		case request == address:
			own++
		case !strings.HasPrefix(request, "data:"):
			faults = append(faults, "it asks for "+request)
		}
	}
	if own == 0 {
		faults = append(faults, "it was not asked for")
	}
	for _, text := range e.errors {
		faults = append(faults, "the console shows an error: "+text)
	}
	return faults
}
