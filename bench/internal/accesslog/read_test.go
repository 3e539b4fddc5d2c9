package accesslog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-weir/weir/bench/internal/trace"
)

const (
	s  = time.Second
	ms = time.Millisecond
	nl = "\n"
)

// combinedLine returns a line of nginx's combined format at second n of a minute.
func combinedLine(address, n string) string {
	return address + ` - - [25/Nov/2026:14:00:` + n + ` +0100] "GET /a/b?c HTTP/1.1" 200 5 "-" "curl/8 \"x\""` + nl
}

func TestRead(t *testing.T) {
	usual := Options{Late: time.Minute, Spread: true}
	for name, test := range map[string]struct {
		text string
		o    Options
		want []trace.Arrival
	}{
		"combined": {combinedLine("10.0.0.1", "01") + combinedLine("::1", "03"), usual, []trace.Arrival{{At: 0, Key: "10.0.0.1", Cost: 1}, {At: 2 * s, Key: "::1", Cost: 1}}},
		"common":   {`h - "" [25/Nov/2026:14:00:01 +0000] "GET / HTTP/1.0" 304 -`, usual, []trace.Arrival{{Key: "h", Cost: 1}}},
		"Apache's fraction and request that is none": {`h - - [25/Nov/2026:14:00:01.250 +0000] "-" 408 -`, usual, []trace.Arrival{{At: 250 * ms, Key: "h", Cost: 1}}},
		"virtual host":              {`example.org:80 h - u [25/Nov/2026:14:00:01 +0000] "GET / HTTP/1.0" 200 7 "-" "-"`, Options{Key: []string{"host", "user"}}, []trace.Arrival{{Key: "example.org:80 u", Cost: 1}}},
		"user of two words":         {`h - J R [25/Nov/2026:14:00:01 +0000] "GET / HTTP/1.0" 200 7`, Options{Key: []string{"USER"}}, []trace.Arrival{{Key: "J R", Cost: 1}}},
		"forwarded":                 {`h - - [25/Nov/2026:14:00:01 +0000] "GET / HTTP/1.0" 200 7 "-" "-" "1.2.3.4, 5.6.7.8"`, Options{Key: []string{"forwarded", "method", "path"}}, []trace.Arrival{{Key: "1.2.3.4 GET /", Cost: 1}}},
		"path":                      {combinedLine("h", "01"), Options{Key: []string{"path"}}, []trace.Arrival{{Key: "/a/b?c", Cost: 1}}},
		"part of the path":          {combinedLine("h", "01"), Options{Key: []string{"address", "path:1"}}, []trace.Arrival{{Key: "h /a", Cost: 1}}},
		"more parts than there are": {combinedLine("h", "01"), Options{Key: []string{"path:9"}}, []trace.Arrival{{Key: "/a/b", Cost: 1}}},
		"JSON lines": {`{"ts":"2026-11-25T14:00:01.5Z","remote_addr":"10.0.0.1:4711"}` + nl + nl + `{"ts":"2026-11-25T15:00:02+01:00","remote_addr":"[::1]:80"}`, usual,
			[]trace.Arrival{{At: 500 * ms, Key: "10.0.0.1", Cost: 1}, {At: s, Key: "::1", Cost: 1}}},
		"JSON's nested names": {`{"ts":1795615201.123456,"request":{"remote_ip":"h","host":"e"},"n":{"x":7}}`, Options{Key: []string{"request.host", "n.x"}}, []trace.Arrival{{At: 123456 * time.Microsecond, Key: "e 7", Cost: 1}}},
		"JSON's dotted names": {`{"@timestamp":1795615201000,"client.ip":"h"}`, Options{Key: []string{"client.ip"}}, []trace.Arrival{{Key: "h", Cost: 1}}},
		"JSON, a field that comes later": {`{"ts":1795615201,"a":1}` + nl + `{"ts":1795615202,"b":true}` + nl + `{"ts":1795615202,"b":2}`, Options{Key: []string{"b"}},
			[]trace.Arrival{{Key: "true", Cost: 1}, {Key: "2", Cost: 1}}},
		"CSV":                  {"\ufeffwhen; account ;time_ms\r\nx;\"a;b\";1795615201001\r\ny;c;1795615201003\r\n", Options{Key: []string{"ACCOUNT"}}, []trace.Arrival{{At: ms, Key: "a;b", Cost: 1}, {At: 3 * ms, Key: "c", Cost: 1}}},
		"CSV, time named":      {"sent\tip\n2026-11-25 14:00:00.5\th", Options{Time: "Sent"}, []trace.Arrival{{At: 500 * ms, Key: "h", Cost: 1}}},
		"out of order":         {combinedLine("a", "03") + combinedLine("b", "02") + combinedLine("c", "03") + combinedLine("d", "02"), Options{Late: s}, []trace.Arrival{{Key: "b", Cost: 1}, {Key: "d", Cost: 1}, {At: s, Key: "a", Cost: 1}, {At: s, Key: "c", Cost: 1}}},
		"spread":               {combinedLine("a", "01") + combinedLine("b", "01") + combinedLine("c", "01") + combinedLine("d", "02"), usual, []trace.Arrival{{Key: "a", Cost: 1}, {At: 333333 * time.Microsecond, Key: "b", Cost: 1}, {At: 666666 * time.Microsecond, Key: "c", Cost: 1}, {At: s, Key: "d", Cost: 1}}},
		"mostly without users": {combinedLine("h", "01") + combinedLine("h", "02") + `h - u [25/Nov/2026:14:00:01 +0000] "GET / HTTP/1.0" 200 7`, Options{Key: []string{"user"}}, []trace.Arrival{{Key: "u", Cost: 1}}},
		"left":                 {combinedLine("a", "01") + combinedLine("b", "01"), Options{}, []trace.Arrival{{Key: "a", Cost: 1}, {Key: "b", Cost: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := Read("f", strings.NewReader(test.text), test.o)
			if err != nil || !reflect.DeepEqual(log.Arrivals, test.want) {
				t.Errorf("got %v, %v, want %v", log.Arrivals, err, test.want)
			}
			if plain, err := Read("f", strings.NewReader(zipped(t, test.text)), test.o); err != nil || !reflect.DeepEqual(plain, log) {
				t.Errorf("for the compressed log got %v, %v, want %v", plain, err, log)
			}
		})
	}
}

func zipped(t *testing.T, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestLeftOut: lines that are not requests are counted, and the notes have the number of the first.
func TestLeftOut(t *testing.T) {
	text := "torn line\n\n" + combinedLine("a", "30") + strings.Repeat("x", longestLine+5) + "\n" + combinedLine("-", "31") +
		combinedLine("a", "31") + combinedLine("late", "01") + combinedLine("a", "31") + combinedLine("b", "32")
	log, err := Read("f", strings.NewReader(text), Options{Late: 10 * s, Spread: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := (LeftOut{2, 1, errCombined.Error()}); log.Malformed != want {
		t.Errorf("malformed %+v, want %+v", log.Malformed, want)
	}
	if want := (LeftOut{1, 5, "it has no address"}); log.Keyless != want {
		t.Errorf("without a key %+v, want %+v", log.Keyless, want)
	}
	if want := (LeftOut{1, 7, "its time is 30s before that of line 6"}); log.Late != want {
		t.Errorf("late %+v, want %+v", log.Late, want)
	}
	if log.Lines != 8 || len(log.Arrivals) != 4 {
		t.Errorf("%d arrivals of %d lines", len(log.Arrivals), log.Lines)
	}
	notes := strings.Join(log.Notes(), "\n")
	for _, want := range []string{
		"Read as nginx's or Apache's combined format: the time is time, the key is address.",
		"spread evenly", "2 malformed lines are left out. The first is line 1: ",
		"1 line without a key is left out. The first is line 5", "1 line is too late and is left out. The first is line 7",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes don't contain %q:\n%s", want, notes)
		}
	}
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		o    Options
		want string
	}{
		"nothing":               {"\n \n", Options{}, "f: it is empty"},
		"no format":             {"hello\nworld\n", Options{}, `f:1: "hello": want lines in nginx's or Apache's`},
		"header without a time": {"\nwhen,who\n1,2\n", Options{}, `f:2: "when,who": want lines in nginx's or Apache's combined or common format, JSON objects, or CSV whose first line names its columns (if this is the first line of a CSV, name its time with -time-field, as one of when, who)`},
		"header only":           {"time,ip\n", Options{}, "f: it contains no request"},
		"other time":            {`{"a":1,"ip":"h"}`, Options{}, "f:1: no field has a usual name for the time: want one of a, ip with -time-field"},
		"no address":            {"time,who\n1795615201,a\n", Options{}, "f:1: no field has a usual name for an address: want one of time, who with -key"},
		"no such column":        {"time,who\n1795615201,a\n", Options{Key: []string{"whom"}}, `f:1: there is no field "whom": want some of time, who`},
		"no such field":         {combinedLine("h", "01"), Options{Key: []string{"account"}}, `f:1: there is no field "account": want some of address, user,`},
		"no such JSON field":    {`{"time":1795615201}`, Options{Key: []string{"x"}}, `f:1: it has no x; 1 of 1 lines are without a key; -key says what the key is`},
		"no parts":              {combinedLine("h", "01"), Options{Key: []string{"path:0"}}, `f:1: -key "path:0": want a number after the colon, such as path:1`},
		"no users":              {combinedLine("h", "01"), Options{Key: []string{"user"}}, "f:1: it has no user; 1 of 1 lines are without a key"},
		"mostly malformed":      {combinedLine("h", "01") + "x\ny\n", Options{}, "f:2: it is not ADDRESS - USER"},
		"mostly late":           {combinedLine("h", "59") + combinedLine("h", "01") + combinedLine("h", "02"), Options{Late: s}, "f:2: its time is 58s before that of line 1; 2 of 3 lines are out of order; -late allows more"},
		"times of no kind":      {"time,ip\nsoon,h\n", Options{}, `f:2: time "soon": want such as 2026-11-25T14:00:00Z`},
		"offsets":               {"time,ip\n0.5,h\n", Options{}, `f:2: time "0.5": want a year from 1980 to 2099`},
		"few fields":            {"time,ip\n1795615201\n", Options{}, "f:2: it has 1 fields, the header has 2"},
		"open quote":            {"time,ip\n\"1795615201,h\n", Options{}, "f:2: it has a misplaced quote"},
		"no gzip":               {"\x1f\x8bxx", Options{}, "f: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("f", strings.NewReader(test.text), test.o)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want the error %s…", err, test.want)
			}
		})
	}
	broken := errors.New("broken")
	for _, before := range []string{"", strings.Repeat(combinedLine("h", "01"), 30)} {
		if _, err := Read("f", io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken)), Options{}); !errors.Is(err, broken) {
			t.Errorf("got %v, want the reader's error", err)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 11, 25, 14, 0, 1, 0, time.UTC).UnixMicro()
	for text, part := range map[string]int64{
		"25/Nov/2026:15:00:01 +0100": 0, "2026-11-25T14:00:01Z": 0, "2026-11-25T15:30:01.25+01:30": 250_000, "2026-11-25T14:00:01,5+0000": 500_000,
		"2026-11-25 14:00:01": 0, "2026-11-25T14:00:01.000001": 1, "2026-11-25 14:00:01.1 UTC": 100_000, "2026-11-25 14:00:01Z": 0, "2026-11-25 09:00:01 -0500": 0,
		"1795615201": 0, "1795615201.5": 500_000, "1795615201.123456789": 123_457, "1795615201250": 250_000, "1795615201250.5": 250_500,
		"1795615201000007": 7, "1795615201000007999": 7,
	} {
		var c clock
		if got, err := c.parse(text); err != nil || got != want+part || c.parts != (part != 0) {
			t.Errorf("%s: got %d, %v, want %d", text, got-want, err, part)
		}
		if zoneless := !strings.ContainsAny(text, "Z+C") && strings.Count(text, "-") == 2; c.zoneless != zoneless {
			t.Errorf("%s: zoneless is %v", text, c.zoneless)
		}
	}
	for _, text := range []string{"", "-", "-1", "1.5.2", "1e9", "0x7f", "99999999999999999999", "1979-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "4102444800"} {
		var c clock
		if got, err := c.parse(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

// FuzzRead: for any file, each line is read or counted as left out, and the result is a valid trace.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		combinedLine("h", "01") + combinedLine("h", "00"), `h - J R [25/Nov/2026:14:00:01 +0000] "\" 200`, `{"ts":1795615201.5,"ip":"h","a":{"b":null}}`,
		"time,ip\n1795615201,h\n1795615200,\"h\n", "\ufefft;ip\n2026-11-25 14:00:00;h", "#a,t\n", zippedSeed, `{"t":}`, "time,time\n1,1\n", "[ ] \"",
	} {
		f.Add([]byte(seed), "", "", int64(0))
		f.Add([]byte(seed), "t", "ip:1", int64(time.Second))
	}
	f.Fuzz(func(t *testing.T, data []byte, field, key string, late int64) {
		o := Options{Time: field, Late: time.Duration(max(late, 0)), Spread: late%2 == 0}
		if key != "" {
			o.Key = []string{key}
		}
		log, err := Read("f", bytes.NewReader(data), o)
		if err != nil {
			if len(log.Arrivals) > 0 || !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("got %d arrivals with %v", len(log.Arrivals), err)
			}
			return
		}
		if sum := len(log.Arrivals) + log.Malformed.Count + log.Keyless.Count + log.Late.Count; sum != log.Lines {
			t.Errorf("%d of %d lines are accounted for", sum, log.Lines)
		}
		last := time.Duration(0)
		for _, a := range log.Arrivals {
			if a.At < last || a.At%time.Microsecond != 0 || a.Key == "" || a.Cost != 1 {
				t.Errorf("%+v after %v", a, last)
			}
			last = a.At
		}
		if log.Start.IsZero() || log.Start.Nanosecond() != 0 || log.Arrivals[0].At >= time.Second {
			t.Errorf("it begins %v after %v", log.Arrivals[0].At, log.Start)
		}
	})
}

const zippedSeed = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"
