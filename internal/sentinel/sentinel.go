// Package sentinel holds the errors that package algorithms exports and that packages below it return.
package sentinel

import "errors"

// The errors that package algorithms exports under the same names.
var (
	ErrInvalidOption = errors.New("weir: invalid option")
	ErrInvalidTime   = errors.New("weir: invalid time")
	ErrNilRunner     = errors.New("weir: nil runner")
)
