package scripts

import "strings"

// ErrorCode returns the word in capitals with which the server's error in err begins, such as "MOVED" or "OOM", or "" if there
// is none. It finds the error of any client, however deep it is wrapped, as its text is the server's.
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
