package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// start starts a browser with an empty profile and without a network. The browser writes only to one folder. closeAll ends
// the browser, and returns when a guard has removed the folder.
func start(parent context.Context) (ctx context.Context, closeAll func(), err error) {
	path, err := find()
	if err != nil {
		return nil, nil, err
	}
	folder, err := os.MkdirTemp("", "weir-bench-browser-")
	if err != nil {
		return nil, nil, err
	}
	release, err := guard(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("browser: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(path),
		chromedp.WSURLReadTimeout(5*time.Minute), // for the start; a busy machine may need more than the default of 20 seconds
		chromedp.UserDataDir(filepath.Join(folder, "profile")),
		// The browser also writes a socket to TMPDIR, crash reports to HOME, and caches.
		chromedp.Env("HOME="+folder, "TMPDIR="+folder, "XDG_CONFIG_HOME="+folder, "XDG_CACHE_HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_RUNTIME_DIR="+folder),
		chromedp.DisableGPU,
		// Requests to the network fail.
		chromedp.Flag("proxy-server", "127.0.0.1:1"),
		chromedp.Flag("proxy-bypass-list", "<-loopback>"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox doesn't work for root
	}
	ctx, stopBrowser := chromedp.NewExecAllocator(parent, options...)
	ctx, closeTab := chromedp.NewContext(ctx)
	closeAll = func() {
		closeTab()
		stopBrowser()
		release()
	}
	if err := chromedp.Do(ctx); err != nil {
		closeAll()
		return nil, nil, fmt.Errorf("browser: can't start %s: %w", path, err)
	}
	return ctx, closeAll, nil
}

// events are the requests and errors of a page.
type events struct {
	mu       sync.Mutex
	requests []string // addresses
	errors   []string // in the console
}

// tab opens a tab in a browser.
func tab(browser context.Context) (ctx context.Context, seen *events, closeTab func(), err error) {
	ctx, closeTab = chromedp.NewContext(browser)
	seen = &events{}
	if err = chromedp.Listen(ctx, seen.add); err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		closeTab()
		return nil, nil, nil, fmt.Errorf("browser: can't open a tab: %w", err)
	}
	return ctx, seen, closeTab, nil
}

// add adds an event if it is a request or an error.
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

// faults returns the errors, and the requests for anything except the page at address.
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
