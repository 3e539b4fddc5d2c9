package httplimit

import "strings"

// maxRead is how many bytes of the proxies' field are read at most.
const maxRead = 8192

// entries reads the entries of the field that proxies write, from the right, where each proxy adds one. It reads an entry only
// when next is called. So it reads nothing to the left of the entry that is wanted, where a client may have written anything.
type entries struct {
	lines     []string
	line      string // the rest of the line that is being read
	inLine    bool
	forwarded bool // the field has the form of RFC 7239, and not plain addresses
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

// next returns the text of the next entry's address, or "" if it has none. It reports whether there was an entry.
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

// lastElement returns where the last element of a list begins. It reads from the right. Otherwise an open quotation mark that a
// client has written on the left would swallow the proxies' entries. Reading from the right finds each entry as its proxy has
// written it: a quotation mark inside a quoted string has a backslash in front, and the one that opens the string has none.
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

// escaped reports whether the character after s is escaped: whether s ends with an odd number of backslashes.
func escaped(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// forAddress returns the value of for= in an element of Forwarded, or "" if there is none or the element is malformed.
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

// cutToken cuts a token (RFC 9110) from the front of s.
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

// cutValue cuts a token or a quoted string from the front of s. It also accepts an address with a port without quotation marks,
// which some proxies write.
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
