package runnertest

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// readValue reads one RESP value without decoding it.
func readValue(r *bufio.Reader) ([]byte, error) {
	raw, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(raw[1:])))
	switch raw[0] {
	case '$', '=', '!':
		if n < 0 {
			break
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		raw = append(raw, body...)
	case '*', '~', '>', '%':
		if raw[0] == '%' {
			n *= 2
		}
		for range n {
			elem, err := readValue(r)
			if err != nil {
				return nil, err
			}
			raw = append(raw, elem...)
		}
	}
	return raw, nil
}

// words returns the words of a command that came over the wire, the first in lower case.
func words(raw []byte) []string {
	var out []string
	for i, part := range strings.Split(string(raw), "\r\n") {
		if i > 0 && i%2 == 0 {
			out = append(out, part)
		}
	}
	out[0] = strings.ToLower(out[0])
	return out
}

// Strings returns an array of strings as RESP sends it, as the answer of a [Fate].
func Strings(texts ...string) string {
	var b strings.Builder
	b.WriteString("*" + strconv.Itoa(len(texts)) + "\r\n")
	for _, text := range texts {
		b.WriteString("$" + strconv.Itoa(len(text)) + "\r\n" + text + "\r\n")
	}
	return b.String()
}
