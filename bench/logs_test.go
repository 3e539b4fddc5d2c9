package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A hit is a request to an invented site.
type hit struct {
	at           time.Time
	address      string
	user, method string
	path, agent  string
	status       int
}

// hits returns the requests of six minutes, the same in every run: visitors that load pages with their files, a crawler with
// a little more than one request a second, a feed reader, and someone who tries passwords in two bursts, one on each side of
// a whole minute.
func hits() (all []hit) {
	r := rand.New(rand.NewPCG(7, 11))
	begin := time.Date(2026, 11, 24, 13, 57, 0, 0, time.UTC)
	add := func(at time.Duration, h hit) {
		h.at = begin.Add(at.Truncate(time.Millisecond))
		all = append(all, h)
	}
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for visitor := range 14 {
		h := hit{address: fmt.Sprintf("198.51.100.%d", 7+visitor*11), user: "-", method: "GET", agent: browser, status: 200}
		if visitor%3 == 0 {
			h.user = []string{"alice", "bob", "carol", "dave", "erin"}[visitor/3]
		}
		for at := time.Duration(r.Int64N(int64(5 * time.Minute))); at < 6*time.Minute; at += 20*time.Second + time.Duration(r.Int64N(int64(time.Minute))) {
			h.path = fmt.Sprintf("/articles/%d", r.IntN(40))
			add(at, h)
			for i, part := range []string{"/static/site.css", "/static/site.js", "/api/articles?related=5"} {
				h.path = part
				add(at+time.Duration(80+i*15+r.IntN(40))*time.Millisecond, h)
			}
		}
	}
	for at := time.Second; at < 6*time.Minute; at += time.Duration(500+r.IntN(800)) * time.Millisecond {
		add(at, hit{address: "203.0.113.9", user: "-", method: "GET", path: fmt.Sprintf("/articles/%d?page=%d", r.IntN(40), r.IntN(9)), agent: "ExampleBot/2.1", status: 200})
	}
	for at := time.Duration(0); at < 6*time.Minute; at += 30 * time.Second {
		add(at, hit{address: "2001:db8::17", user: "-", method: "GET", path: "/feed.xml", agent: "Feedreader/1.0", status: 304})
	}
	for _, burst := range []time.Duration{178 * time.Second, 182 * time.Second} {
		for i := range 45 {
			add(burst+time.Duration(i*30+r.IntN(20))*time.Millisecond, hit{address: "192.0.2.66", user: "-", method: "POST", path: "/login", agent: "python-requests/2.32", status: 401})
		}
	}
	slices.SortStableFunc(all, func(a, b hit) int { return cmp.Compare(a.at.UnixMilli(), b.at.UnixMilli()) })
	return all
}

// logs returns the hits as three programs log them. The second logs each request when its answer is sent, so its lines are
// not quite in the order of their times. One of its lines is cut short.
func logs() map[string][]byte {
	var combined, lines, table bytes.Buffer
	table.WriteString("request_id,sent_ms,account,endpoint,tokens\n")
	all := hits()
	for i, h := range all {
		fmt.Fprintf(&combined, "%s - %s [%s] \"%s %s HTTP/1.1\" %d %d \"-\" \"%s\"\n",
			h.address, h.user, h.at.Format("02/Jan/2006:15:04:05 -0700"), h.method, h.path, h.status, 180+i*37%4000, h.agent)
		if h.user != "-" || h.method == "POST" {
			fmt.Fprintf(&table, "%06x,%d,%s,%s,%d\n", i*7919%0xffffff, h.at.UnixMilli(), cmp.Or(map[bool]string{true: "trial-66"}[h.user == "-"], h.user), h.path, 20+i%300)
		}
	}
	slices.SortStableFunc(all, func(a, b hit) int {
		took := func(h hit) time.Time { return h.at.Add(time.Duration(len(h.path)*9%200) * time.Millisecond) }
		return took(a).Compare(took(b))
	})
	for i, h := range all {
		if i%2 == 1 && h.address != "192.0.2.66" {
			continue
		}
		line := fmt.Sprintf(`{"level":"info","ts":"%s","request":{"remote_addr":"%s","method":"%s","uri":"%s"},"status":%d}`,
			h.at.Format("2006-01-02T15:04:05.000Z07:00"), h.address, h.method, h.path, h.status)
		if i == 200 {
			line = line[:60]
		}
		lines.WriteString(line + "\n")
	}
	return map[string][]byte{"access.log": combined.Bytes(), "service.jsonl": lines.Bytes(), "calls.csv": table.Bytes()}
}

// TestLogs: the logs in testdata are those that logs returns.
func TestLogs(t *testing.T) {
	for name, want := range logs() {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := read(t, path); !bytes.Equal(got, want) {
			t.Errorf("%s is another log; run go test -update", path)
		}
	}
}
