package httplimit

import "strings"

// maxRead is how many bytes of a proxies' field are read at most.
const maxRead = 8192

// entries are those of the field that proxies write, from the right: each proxy adds an entry there. Each entry is read
// only when its turn comes, so that nothing is read to the left of what is wanted, where a client may have written
// anything.
type entries struct {
	lines     []string
	line      string // what is left of the line that is being read
	inLine    bool
	forwarded bool // RFC 7239, and not plain addresses
	left      int  // how many bytes may still be read
}

func entriesOf(lines []string, forwarded bool) entries {
	return entries{lines: lines, forwarded: forwarded, left: maxRead}
}

// nth returns the n-th address from the right. It is invalid if there is none.
func nth(e entries, n int) address {
	for range n - 1 {
		if _, more := e.next(); !more {
			return address{}
		}
	}
	text, _ := e.next()
	return addressOf(text)
}

// next returns the text of the next entry's address, "" if it has none, and whether there was an entry.
func (e *entries) next() (text string, more bool) {
	if !e.inLine {
		if len(e.lines) == 0 {
			return "", false
		}
		last := len(e.lines) - 1
		e.line, e.lines, e.inLine = e.lines[last], e.lines[:last], true
	}
	tail := e.line[max(len(e.line)-e.left, 0):]
	begin, ok := strings.LastIndexByte(tail, ',')+1, true
	if e.forwarded {
		begin, ok = lastElement(tail)
	}
	if !ok || begin == 0 && len(tail) < len(e.line) {
		e.lines, e.line, e.inLine = nil, "", false // the entry has no beginning, or is too far away
		return "", false
	}
	entry := tail[begin:]
	e.left -= len(entry)
	e.line = e.line[:len(e.line)-len(entry)]
	if e.inLine = begin > 0; e.inLine {
		e.line = e.line[:len(e.line)-1] // the comma
		e.left--
	}
	if e.forwarded {
		entry = forAddress(entry)
	}
	return entry, true
}

// lastElement returns where the last element of a list begins. It is read from the right: a quotation mark that a client
// has left open on the left would swallow the entries of proxies otherwise. Read like that, each of them is what the
// proxy has written, as a quotation mark inside a quoted string has a backslash in front, and the one that opens it has
// not.
func lastElement(s string) (begin int, ok bool) {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == '"' && (!quoted || !escaped(s[:i])):
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return i + 1, true
		}
	}
	return 0, !quoted
}

// escaped reports whether what follows s has a backslash in front that isn't itself escaped.
func escaped(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// forAddress returns what for= is in an element of Forwarded, or "" if it has none or is malformed.
func forAddress(element string) (address string) {
	for rest := element; ; rest = rest[1:] {
		name, after, found := cutToken(skipSpace(rest))
		if found {
			if !strings.HasPrefix(after, "=") {
				return ""
			}
			value, left, ok := cutValue(after[1:])
			if !ok {
				return ""
			}
			if strings.EqualFold(name, "for") {
				address = value
			}
			after = left
		}
		rest = skipSpace(after)
		switch {
		case rest == "":
			return address
		case rest[0] != ';':
			return ""
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

// isToken reports whether s is a token, as methods, field names and schemes are.
func isToken(s string) bool {
	_, rest, found := cutToken(s)
	return found && rest == ""
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
