package scripts

import "strings"

// ErrorCode returns the first word of the server's error in err if that is in capitals, such as "MOVED" or "OOM", and "" if there
// is none. It works with every client and through any number of wrapping errors, as it reads the text, which is the server's.
func ErrorCode(err error) string {
	if err == nil {
		return ""
	}
	switch wrapper := err.(type) { //nolint:errorlint // this goes through what errors.As would
	case interface{ Unwrap() error }:
		if code := ErrorCode(wrapper.Unwrap()); code != "" {
			return code
		}
	case interface{ Unwrap() []error }:
		for _, err := range wrapper.Unwrap() {
			if code := ErrorCode(err); code != "" {
				return code
			}
		}
	}
	code, _, more := strings.Cut(err.Error(), " ")
	if !more || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return code
}
