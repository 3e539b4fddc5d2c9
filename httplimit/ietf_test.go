package httplimit_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/go-weir/weir/httplimit"
)

// TestNames: any text can be a name, and different names have different forms.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"burst":        `"burst"`,
		"per user":     `"per user"`,
		`a "b" \`:      `"a \"b\" \\"`,
		"täglich":      `"t%C3%A4glich"`,
		"t%C3%A4glich": `"t%25C3%25A4glich"`,
		"a\r\nb":       `"a%0D%0Ab"`,
		"\xff\x7f":     `"%FF%7F"`,
	} {
		w := get(limitOf(instant{}, httplimit.Name(name), httplimit.Headers(httplimit.IETFDraft11))(served), "192.0.2.1")
		wantFields(t, w, map[string]string{"RateLimit": want + ";r=57;t=26", "RateLimit-Policy": want + ";q=100;w=60"})
	}
}

// FuzzNames: with any names the fields are Lists as in RFC 9651, from which the names can be read back.
func FuzzNames(f *testing.F) {
	f.Add("burst", "daily")
	f.Add(`"`, `\`)
	f.Add("%", "\xff\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		if first == "" || second == "" || first == second {
			return
		}
		h := limitOf(instant{}, httplimit.Name(first), httplimit.Timeout(0), httplimit.Headers(httplimit.IETFDraft11),
			httplimit.Also(instant{}, httplimit.Name(second), httplimit.Timeout(0)))(served)
		w := get(h, "192.0.2.1")
		for field, parameters := range map[string]string{"RateLimit": "r=57;t=26", "RateLimit-Policy": "q=100;w=60"} {
			names, ok := readList(w.Header().Get(field), parameters)
			if !ok || len(names) != 2 || names[0] != first || names[1] != second {
				t.Fatalf("%s is %q, names %q, want %q and %q", field, w.Header().Get(field), names, first, second)
			}
		}
	})
}

// readList reads a List of Strings that all have the same parameters, by the rules of RFC 9651 section 4.2, and undoes
// the percent-encoding of their text.
func readList(s, parameters string) (names []string, ok bool) {
	for {
		if s == "" || s[0] != '"' {
			return nil, false
		}
		var text strings.Builder
		i := 1
		for ; i < len(s) && s[i] != '"'; i++ {
			switch {
			case s[i] < ' ' || s[i] > '~':
				return nil, false
			case s[i] == '\\':
				if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
					return nil, false
				}
				text.WriteByte(s[i])
			case s[i] == '%':
				c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
				if err != nil {
					return nil, false
				}
				text.WriteByte(byte(c))
				i += 2
			default:
				text.WriteByte(s[i])
			}
		}
		rest, found := strings.CutPrefix(s[min(i, len(s)):], `";`+parameters)
		if !found {
			return nil, false
		}
		names = append(names, text.String())
		if rest == "" {
			return names, true
		}
		if s, found = strings.CutPrefix(rest, ", "); !found {
			return nil, false
		}
	}
}

// isKeyOfAddress reports whether ClientIP can return this key.
func isKeyOfAddress(key string) bool {
	if addr, err := netip.ParseAddr(key); err == nil {
		return addr.Is4() && addr.String() == key
	}
	prefix, err := netip.ParsePrefix(key)
	return err == nil && prefix.Bits() == 64 && prefix.Masked().String() == key && !prefix.Addr().Is4In6()
}
