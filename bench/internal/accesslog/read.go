package accesslog

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/bench/internal/trace"
)

const (
	longestLine = 1 << 20 // bytes
	sample      = 20      // lines from which the format is detected
)

// Read reads a log, which may be compressed by gzip. It keeps only the time and the key of each line. Equal keys share
// memory.
//
// Options.Key has the names of the fields that are the key: "address", "user", "path" and so on, or a name in the JSON
// objects ("request.host" is the member host of request) or in the CSV's header. "path:1" is the first segment of the path.
// Several names make one key of all their values.
//
// Errors begin with the name of the log and, if a line is wrong, its number.
func Read(name string, r io.Reader, o Options) (Log, error) {
	input, err := decompressed(r)
	if err != nil {
		return Log{}, fmt.Errorf("%s: %w", name, err)
	}
	var log Log
	var first []numbered
	source := &lineReader{r: input}
	for len(first) < sample {
		line, err := source.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Log{}, fmt.Errorf("%s: %w", name, err)
		}
		first = append(first, numbered{line, source.line})
	}
	rd := reader{log: &log, late: o.Late, keys: map[string]string{}}
	if first, err = rd.detect(name, first, o); err != nil {
		return Log{}, err
	}
	for _, line := range first {
		rd.take(line.text, line.number)
	}
	for {
		line, err := source.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Log{}, fmt.Errorf("%s: %w", name, err)
		}
		rd.take(line, source.line)
	}
	if err := log.check(name); err != nil {
		return Log{}, err
	}
	rd.finish(o.Spread)
	return log, nil
}

type numbered struct {
	text   string
	number int
}

// decompressed returns a reader for the content of r, which may be compressed by gzip.
func decompressed(r io.Reader) (*bufio.Reader, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	magic, _ := buffered.Peek(2) // the next read returns the error, if there is one
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return buffered, nil
	}
	plain, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(plain, 1<<16), nil
}

// A lineReader reads lines and skips empty ones.
type lineReader struct {
	r    *bufio.Reader
	line int // the number of the last line
	buf  []byte
}

// next returns the next line. If the line is too long, it returns the beginning.
func (l *lineReader) next() (string, error) {
	for {
		l.buf = l.buf[:0]
		for {
			part, err := l.r.ReadSlice('\n')
			l.buf = append(l.buf, part[:min(len(part), longestLine-len(l.buf))]...)
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && (!errors.Is(err, io.EOF) || len(l.buf) == 0) {
				return "", err
			}
			break
		}
		if l.line++; l.line == 1 {
			l.buf = bytes.TrimPrefix(l.buf, []byte("\ufeff"))
		}
		if line := bytes.TrimSpace(l.buf); len(line) > 0 {
			return string(line), nil
		}
	}
}

// A reader converts lines to arrivals.
type reader struct {
	log    *Log
	format format
	wants  []want // the time, then the fields of the key
	clock  clock
	late   time.Duration
	latest time.Duration // the latest time so far
	at     int           // the number of the line with the latest time
	sorted bool          // whether all lines so far are in the order of time
	last   time.Duration // the time of the previous line
	keys   map[string]string
}

// detect detects the format of the first lines, and the fields with the time and the key. It returns the lines after a
// header.
func (rd *reader) detect(name string, first []numbered, o Options) (rest []numbered, err error) {
	if len(first) == 0 {
		return nil, fmt.Errorf("%s: it is empty", name)
	}
	rd.sorted, rest = true, first
	at := 0
	for at < len(first) && rd.format == nil {
		rd.format = recognize(first[at].text)
		at++
	}
	if rd.format == nil {
		if at, rest = 1, first[1:]; !isHeader(first[0].text, o.Time) {
			return nil, fmt.Errorf("%s:%d: %s: want lines in nginx's or Apache's combined or common format, JSON objects, or CSV whose first line names its columns%s",
				name, first[0].number, shown(first[0].text), timeHint(first[0].text))
		}
		rd.format = newCSV(first[0].text)
	}
	if rd.wants, err = wants(rd.format, o); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, first[at-1].number, err)
	}
	var keys []string
	for _, w := range rd.wants[1:] {
		keys = append(keys, w.String())
	}
	rd.log.Format, rd.log.Time, rd.log.Key = rd.format.name(), rd.wants[0].field, strings.Join(keys, " and ")
	return rest, nil
}

// take adds the arrival of a line, or counts the line as left out.
func (rd *reader) take(line string, number int) {
	rd.log.Lines++
	values, err := rd.format.values(line, rd.wants)
	if err != nil {
		rd.log.Malformed.add(number, err.Error())
		return
	}
	us, err := rd.clock.parse(values[0])
	if err != nil {
		rd.log.Malformed.add(number, err.Error())
		return
	}
	key, missing := rd.key(values[1:])
	if missing != "" {
		rd.log.Keyless.add(number, "it has no "+missing)
		return
	}
	at := time.Duration(us) * time.Microsecond
	if at < rd.latest-rd.late {
		rd.log.Late.add(number, fmt.Sprintf("its time is %v before that of line %d", (rd.latest-at).Round(time.Millisecond), rd.at))
		return
	}
	if at > rd.latest {
		rd.latest, rd.at = at, number
	}
	rd.sorted = rd.sorted && at >= rd.last
	rd.last = at
	rd.log.Arrivals = append(rd.log.Arrivals, trace.Arrival{At: at, Key: key, Cost: 1})
}

// key returns the key that the values make, or the name of the field that is missing.
func (rd *reader) key(values []string) (key, missing string) {
	for i, value := range values {
		if value = rd.wants[i+1].of(value); value == "" || value == "-" {
			return "", rd.wants[i+1].field
		}
		if i > 0 {
			key += " "
		}
		key += value
	}
	if known, ok := rd.keys[key]; ok {
		return known, ""
	}
	key = strings.ToValidUTF8(strings.Clone(key), "\uFFFD")
	rd.keys[key] = key
	return key, ""
}

// finish sorts the arrivals by time, and makes their times relative to the log's start.
func (rd *reader) finish(spreads bool) {
	log := rd.log
	if !rd.sorted {
		slices.SortStableFunc(log.Arrivals, func(a, b trace.Arrival) int { return cmp.Compare(a.At, b.At) })
	}
	log.Zoneless, log.Whole = rd.clock.zoneless, !rd.clock.parts && len(log.Arrivals) > 1
	if log.Spread = log.Whole && spreads; log.Spread {
		spread(log.Arrivals)
	}
	start := log.Arrivals[0].At.Truncate(time.Second)
	for i := range log.Arrivals {
		log.Arrivals[i].At -= start
	}
	log.Start = time.UnixMicro(start.Microseconds()).UTC()
}
