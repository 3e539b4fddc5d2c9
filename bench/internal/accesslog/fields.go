package accesslog

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// usual holds the usual names of fields in logs, by the name that represents them.
var usual = map[string][]string{
	"time": {
		"time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "datetime", "date", "msec", "epoch",
		"time_ms", "timestamp_ms", "time_us", "StartUTC", "start_time", "t",
	},
	"address": {
		"address", "remote_addr", "remote_ip", "client_ip", "clientip", "client_addr", "client", "ip", "ip_address", "addr", "remote",
		"request.client_ip", "request.remote_ip", "ClientHost", "ClientAddr", "httpRequest.remoteIp", "remote_host", "host",
	},
	"user": {"user", "remote_user", "user_id", "userid", "username", "user.id", "user.name", "account", "account_id", "login"},
	"path": {"path", "uri", "request_uri", "url", "request.uri", "request.path", "RequestPath", "httpRequest.requestUrl"},
}

// A want selects a field or a part of it.
type want struct {
	field   string // its name in the log
	parts   int    // the number of leading path segments, or 0 for the whole value
	address bool   // whether to remove a port
}

func (w want) String() string {
	if w.parts > 0 {
		return fmt.Sprintf("%s:%d", w.field, w.parts)
	}
	return w.field
}

// of returns the selected part of a value.
func (w want) of(value string) string {
	if w.address && strings.IndexByte(value, ':') >= 0 {
		if at, err := netip.ParseAddrPort(value); err == nil {
			return at.Addr().String()
		}
	}
	if w.parts == 0 {
		return value
	}
	path, _, _ := strings.Cut(value, "?")
	if _, rest, found := strings.Cut(path, "://"); found { // a whole URL
		if _, path, found = strings.Cut(rest, "/"); !found {
			path = ""
		}
	}
	parts := strings.SplitN(strings.TrimLeft(path, "/"), "/", w.parts+1)
	return "/" + strings.Join(parts[:min(len(parts), w.parts)], "/")
}

// wants returns the fields that hold the time and the key.
func wants(f format, o Options) ([]want, error) {
	at, ok := find(f, o.Time, "time")
	if !ok {
		return nil, fmt.Errorf("no field has a usual name for the time: want one of %s with -time-field", list(f.names()))
	}
	found := []want{{field: at}}
	keys := o.Key
	if len(keys) == 0 {
		keys = []string{"address"}
	}
	for _, key := range keys {
		name, parts := key, 0
		if before, after, cut := strings.Cut(key, ":"); cut {
			n, err := strconv.Atoi(after)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("-key %q: want a number after the colon, such as path:1", key)
			}
			name, parts = before, n
		}
		field, ok := find(f, name, name)
		if !ok {
			if len(o.Key) > 0 {
				return nil, fmt.Errorf("there is no field %q: want some of %s", key, list(f.names()))
			}
			return nil, fmt.Errorf("no field has a usual name for an address: want one of %s with -key", list(f.names()))
		}
		found = append(found, want{field, parts, slices.Contains(usual["address"], field) && field != "host"})
	}
	return found, nil
}

// find returns the log's name of a field: the given name if the log has it, or else the first of the usual names.
func find(f format, name, known string) (string, bool) {
	candidates := usual[known]
	if name != "" {
		candidates = append([]string{name}, candidates...)
		if known == "time" {
			candidates = candidates[:1]
		}
	}
	names := f.names()
	for _, candidate := range candidates {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, candidate) }); i >= 0 {
			return names[i], true
		}
	}
	// In JSON lines, other objects may have the field.
	_, open := f.(*jsonFormat)
	return name, open && name != "" && usual[name] == nil
}

func list(names []string) string { return strings.Join(names, ", ") }

// timeHint returns a hint for a line that may be the header of a CSV file.
func timeHint(line string) string {
	if names := header(line); len(names) > 1 {
		return fmt.Sprintf(" (if this is the first line of a CSV, name its time with -time-field, as one of %s)", list(names))
	}
	return ""
}
