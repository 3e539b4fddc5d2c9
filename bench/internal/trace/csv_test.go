package trace

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestReadCSV(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		text string
		want []Arrival
	}{
		"offsets only":     {"0\n1\n1s\n1.5\n2500ms\n1m\n", []Arrival{{0, "", 1}, {s, "", 1}, {s, "", 1}, {1500 * time.Millisecond, "", 1}, {2500 * time.Millisecond, "", 1}, {60 * s, "", 1}}},
		"header":           {"offset,key,cost\n1s,a,2\n", []Arrival{{s, "a", 2}}},
		"header of less":   {" Offset , Key\n1s,a\n", []Arrival{{s, "a", 1}}},
		"byte order mark":  {"\ufeffoffset,key\n1s,a\n", []Arrival{{s, "a", 1}}},
		"comments":         {"# offset\n\n1s,a\n#2s,b\n\n3s,c,1", []Arrival{{s, "a", 1}, {3 * s, "c", 1}}},
		"Windows lines":    {"1s,a\r\n2s,b\r\n", []Arrival{{s, "a", 1}, {2 * s, "b", 1}}},
		"spaces":           {" 1s , a, 2 \n", []Arrival{{s, "a", 2}}},
		"empty fields":     {"1s,,\n2s,,3\n", []Arrival{{s, "", 1}, {2 * s, "", 3}}},
		"quoted keys":      {"1s,\"a,b\"\n2s,\"a \"\"key\"\"\"\n", []Arrival{{s, "a,b", 1}, {2 * s, `a "key"`, 1}}},
		"rounding":         {"0.0000014\n0.0000016\n2600ns\n", []Arrival{{time.Microsecond, "", 1}, {2 * time.Microsecond, "", 1}, {3 * time.Microsecond, "", 1}}},
		"exact decimals":   {"0.1\n0.3\n1234567.654321\n", []Arrival{{s / 10, "", 1}, {3 * s / 10, "", 1}, {1234567654321 * time.Microsecond, "", 1}}},
		"the largest":      {"625499h,k,2147483648\n", []Arrival{{625499 * time.Hour, "k", 1 << 31}}},
		"key that is odd":  {"1s,}{ü\n", []Arrival{{s, "}{ü", 1}}},
		"same key, thrice": {"1s,a\n2s,a\n3s,a\n", []Arrival{{s, "a", 1}, {2 * s, "a", 1}, {3 * s, "a", 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadCSV("f", strings.NewReader(test.text))
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestReadCSVErrors(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":         {"", "f: it contains no request: want lines of offset,key,cost"},
		"header only":     {"offset,key,cost\n", "f: it contains no request"},
		"no time":         {"0s\n\n# x\nsoon,a\n", `f:4: offset "soon": want a length of time such as 1.5s`},
		"other header":    {"time,key\n1s,a\n", `f:1: offset "time": want a length of time`},
		"header, swapped": {"offset,cost,key\n", `f:1: column 2 is "cost": want offset,key,cost`},
		"long header":     {"offset,key,cost,path\n", "f:1: 4 fields: want offset,key,cost"},
		"second header":   {"0s\noffset\n", `f:2: offset "offset": want`},
		"empty offset":    {",a\n", `f:1: offset "": want`},
		"below 0":         {"-1s\n", `f:1: offset "-1s": want 0 to`},
		"not a number":    {"NaN\n", `f:1: offset "NaN": want 0 to`},
		"infinite":        {"inf\n", `f:1: offset "inf": want 0 to`},
		"centuries":       {"1e300\n", `f:1: offset "1e300": want 0 to`},
		"above 71 years":  {"700000h\n", `f:1: offset "700000h": want 0 to`},
		"backwards":       {"offset\n1s\n\n0.5s\n", "f:4: offset 500ms comes after 1s on line 2: want lines in the order of time"},
		"four fields":     {"1s,a,1,GET\n", "f:1: 4 fields: want offset,key,cost; a key with commas stands in quotes"},
		"cost 0":          {"1s,a,0\n", `f:1: cost "0": want a whole number from 1 to 2147483648`},
		"cost below 0":    {"1s,a,-3\n", `f:1: cost "-3": want`},
		"cost a fraction": {"1s,a,1.5\n", `f:1: cost "1.5": want`},
		"cost too high":   {"1s,a,2147483649\n", `f:1: cost "2147483649": want`},
		"binary key":      {"1s,a\xff\n", `f:1: key "a\xff" is not UTF-8`},
		"quote in a key":  {"1s,a\n2s,b\"c\n", "f:2: it has a misplaced quote"},
		"open quote":      {"1s,a\n2s,\"b\n3s,c\n", "f:2: it has a misplaced quote"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadCSV("f", strings.NewReader(test.text))
			if err == nil || got != nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, %v, want the error %s…", got, err, test.want)
			}
		})
	}
}

func TestReadCSVUnreadable(t *testing.T) {
	broken := errors.New("broken")
	_, err := ReadCSV("f", io.MultiReader(strings.NewReader("1s\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "f: ") {
		t.Errorf("got %v, want the reader's error with the file's name", err)
	}
}

func TestBuiltin(t *testing.T) {
	for _, trace := range Builtin() {
		if err := trace.Limit.Validate(); err != nil {
			t.Errorf("%s: %v", trace.Name, err)
		}
		var last time.Duration
		for _, arrival := range trace.Arrivals {
			if arrival.At < last || arrival.At%time.Microsecond != 0 || arrival.Cost != 1 {
				t.Errorf("%s: %v after %v", trace.Name, arrival, last)
			}
			last = arrival.At
		}
		if trace.Keys() != 1 || trace.Costs() {
			t.Errorf("%s has %d keys, costs: %v", trace.Name, trace.Keys(), trace.Costs())
		}
	}
}
