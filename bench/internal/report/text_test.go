package report

import (
	"strings"
	"testing"

	"github.com/go-weir/weir/bench/internal/results"
)

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{ratio(0.05234), "0.052"}, {ratio(0.5555), "0.56"}, {ratio(1), "1.00"}, {ratio(9.999), "10.0"}, {ratio(99.96), "100"}, {ratio(1234.5), "1,234"},
		{short(0), "0"}, {short(0.05123), "0.0512"}, {short(0.5), "0.500"}, {short(5.124), "5.12"}, {short(99.94), "99.9"}, {short(512.4), "512"}, {short(5124), "5,120"}, {short(1e6), "1,000,000"},
		{brief(9), "9"}, {brief(1.5), "1.5"}, {brief(200), "200"},
		{whole(-1234567), "-1,234,567"}, {whole(999), "999"},
		{percent(33.5), "33.5 %"}, {share(1, 3), "33.3 %"}, {share(0, 0), "0"},
		{amount(0.5), "0.5"}, {amount(9000), "9,000"}, {amount(20000), "20k"}, {amount(1e6), "1M"}, {amount(2.5e6), "2.5M"},
		{spread(results.Spread{}), "–"}, {spread(results.NewSpread([]float64{2})), "2.00"}, {spread(results.NewSpread([]float64{1, 2, 3})), "2.00 (1.00–3.00)"},
		{plural(1, "key"), "1 key"}, {plural(1000, "key"), "1,000 keys"},
		{listed(nil), ""}, {listed([]string{"a"}), "a"}, {listed([]string{"a", "b", "c"}), "a, b and c"},
		{slug("Redis 7.0.15, cluster of 3"), "redis-7-0-15-cluster-of-3"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestWrongBy(t *testing.T) {
	for _, test := range []struct {
		admitted, low, high int
		want                string
	}{
		{10, 10, 10, "0"}, {9, 8, 10, "0"}, {12, 8, 10, "**+2 (+20.0 %)**"}, {6, 8, 10, "**-2 (-25.0 %)**"}, {3, 0, 0, "**+3**"},
	} {
		got := wrongBy(results.Accuracy{Admitted: test.admitted, Low: test.low, High: test.high})
		if got.markdown(true) != test.want {
			t.Errorf("%+v: got %s", test, got.markdown(true))
		}
	}
}

func TestEscaping(t *testing.T) {
	const hostile = "<script>alert(1)</script> | `a` *b* _c_ [d](e)\n# f & \"g\" ''"
	for _, test := range []struct {
		t              text
		markdown, html string
	}{
		{
			say(hostile),
			"\\<script\\>alert(1)\\</script\\> \\| \\`a\\` \\*b\\* \\_c\\_ \\[d\\](e) \\# f \\& \"g\" ''",
			"&lt;script&gt;alert(1)&lt;/script&gt; | `a` *b* _c_ [d](e)\n# f &amp; &#34;g&#34; &#39;&#39;",
		},
		{name("a|b"), "`a\\|b`", `<code class="name">a|b</code>`},
		{name("`a``b"), "``` `a``b ```", "<code class=\"name\">`a``b</code>"},
		{name("go run <x>"), "`go run <x>`", "<code>go run &lt;x&gt;</code>"},
		{to("a_b.json", "a%20<b>.json"), "[a\\_b.json](<a%20%3Cb%3E.json>)", `<a href="a%20&lt;b&gt;.json">a_b.json</a>`},
		{lines([]text{say("a"), stress("b")}), "a<br>**b**", "a<br><strong>b</strong>"},
	} {
		if got := test.t.markdown(true); got != test.markdown {
			t.Errorf("got  %s\nwant %s", got, test.markdown)
		}
		if got := test.t.html(); got != test.html {
			t.Errorf("got  %s\nwant %s", got, test.html)
		}
	}
}

func TestWrapped(t *testing.T) {
	word := strings.Repeat("x", 54)
	if got, want := wrapped(word+" "+word+" "+word, "  "), word+" "+word+"\n  "+word+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := wrapped(word+" "+word+" - 1. x", ""), word+" "+word+" - 1.\nx\n"; got != want {
		t.Errorf("got %q, want %q: no line that begins a list", got, want)
	}
}

func TestRelative(t *testing.T) {
	run := twoRuns()[0]
	for folder, want := range map[string]string{"": "(<runs/first.json>)", ".": "(<runs/first.json>)", "runs": "(<first.json>)", "a/b": "(<../../runs/first.json>)"} {
		if got := reportOf(t, run).Markdown(folder); !strings.Contains(got, want) {
			t.Errorf("in %q: there is no link %s", folder, want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		most      int
		want      string
	}{
		{0.45, 1.1, 5, "0.5 0.6 0.8 1"}, {0.9, 1.05, 5, "1"}, {1, 1000, 4, "1 10 100 1,000"}, {1, 1e9, 4, "1 1,000 1M 1,000M"},
	} {
		var got []string
		for _, tick := range logTicks(test.low, test.high, test.most) {
			got = append(got, amount(tick.Value))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
	var got []string
	for _, tick := range levelTicks(9.3, 6) {
		got = append(got, brief(tick.Value))
	}
	if strings.Join(got, " ") != "0 2 4 6 8" {
		t.Errorf("got %s", got)
	}
}
