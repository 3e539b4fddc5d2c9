package accesslog

import (
	"errors"
	"strings"
)

// combinedFormat is the combined format of nginx and Apache, or the common format, which lacks the last two fields. A
// virtual host may come before the fields. More fields may come after them; the first of these is nginx's
// $http_x_forwarded_for.
type combinedFormat struct{ out []string }

var combinedNames = []string{"address", "user", "time", "method", "path", "status", "referer", "agent", "forwarded", "host"}

func (*combinedFormat) name() string    { return "nginx's or Apache's combined format" }
func (*combinedFormat) names() []string { return combinedNames }

func (f *combinedFormat) values(line string, wanted []want) ([]string, error) {
	parsed, err := parseCombined(line)
	if err != nil {
		return nil, err
	}
	f.out = f.out[:0]
	for _, w := range wanted {
		f.out = append(f.out, parsed.field(w.field))
	}
	return f.out, nil
}

type combined struct {
	host, address, user, time, request, status, referer, agent, forwarded string
}

func (c *combined) field(name string) string {
	switch name {
	case "address":
		return c.address
	case "user":
		return c.user
	case "time":
		return c.time
	case "status":
		return c.status
	case "referer":
		return c.referer
	case "agent":
		return c.agent
	case "host":
		return c.host
	case "forwarded":
		first, _, _ := strings.Cut(c.forwarded, ",")
		return strings.TrimSpace(first)
	}
	method, rest, _ := strings.Cut(c.request, " ")
	if name == "method" {
		return method
	}
	path, _, _ := strings.Cut(rest, " ")
	return path
}

var errCombined = errors.New(`it is not ADDRESS - USER [TIME] "REQUEST" STATUS BYTES …`)

// parseCombined parses a line.
func parseCombined(line string) (c combined, err error) {
	who, rest, found := strings.Cut(line, " [")
	if !found {
		return c, errCombined
	}
	if c.time, rest, found = strings.Cut(rest, `] "`); !found {
		return c, errCombined
	}
	names := strings.Fields(who)
	if len(names) > 3 && names[1] != "-" && names[2] == "-" {
		c.host, names = names[0], names[1:]
	}
	if len(names) < 3 {
		return c, errCombined
	}
	c.address, c.user = names[0], strings.Join(names[2:], " ")
	if c.request, rest, found = quoted(rest); !found {
		return c, errCombined
	}
	rest = strings.TrimPrefix(rest, " ")
	if c.status, rest, _ = strings.Cut(rest, " "); len(c.status) != 3 || strings.Trim(c.status, "0123456789") != "" {
		return c, errCombined
	}
	for _, field := range []*string{&c.referer, &c.agent, &c.forwarded} {
		_, after, more := strings.Cut(rest, ` "`)
		if !more {
			break
		}
		if *field, rest, found = quoted(after); !found {
			return c, errCombined
		}
	}
	return c, nil
}

// quoted returns the text before the closing quote, and the rest after it. A quote after a backslash is part of the text.
func quoted(text string) (inner, rest string, found bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}
