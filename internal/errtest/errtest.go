// Package errtest is for tests whose subject is not the error that a constructor may return.
package errtest

// Must returns what was made. It panics where there is an error, which ends the test.
func Must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}
