package httplimit

import "strings"

// nthForwarded returns the address of the n-th entry from the right of Forwarded fields (RFC 7239), or "".
// Lines are read one by one, so that a client's own is never read together with what a proxy has added as
// another.
func nthForwarded(lines []string, n int) string {
	for i := len(lines) - 1; i >= 0; i-- {
		entries, ok := forwardedLine(lines[i])
		switch {
		case !ok:
			return ""
		case n <= len(entries):
			return entries[len(entries)-n]
		}
		n -= len(entries)
	}
	return ""
}

// forwardedLine returns what for= is in each entry of a line, "" where there is none.
//
// It is strict: were a quotation mark that a client has left open forgiven, it could swallow the entries
// of proxies.
func forwardedLine(line string) (entries []string, ok bool) {
	address := ""
	for rest := line; ; rest = rest[1:] {
		name, after, found := cutToken(skipSpace(rest))
		if found {
			if !strings.HasPrefix(after, "=") {
				return nil, false
			}
			value, left, ok := cutValue(after[1:])
			if !ok {
				return nil, false
			}
			if strings.EqualFold(name, "for") {
				address = value
			}
			after = left
		}
		rest = skipSpace(after)
		switch {
		case strings.HasPrefix(rest, ";"):
		case strings.HasPrefix(rest, ","):
			entries, address = append(entries, address), ""
		default:
			return append(entries, address), rest == ""
		}
	}
}

// cutToken cuts a token (RFC 9110) off the front of s.
func cutToken(s string) (token, rest string, found bool) {
	end := 0
	for end < len(s) && isTokenChar(s[end]) {
		end++
	}
	return s[:end], s[end:], end > 0
}

func isTokenChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// cutValue cuts a token or a quoted string off the front of s. A port behind an address is taken without
// quotation marks too, as some write it.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, " \t;,\"")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return text.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		text.WriteByte(s[i])
	}
	return "", "", false
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t") }
