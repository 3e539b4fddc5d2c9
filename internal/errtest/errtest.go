// Package errtest is for tests that don't expect an error of a constructor.
package errtest

// Must returns made. It panics if there is an error, which ends the test.
func Must[T any](made T, err error) T {
	if err != nil {
		panic(err)
	}
	return made
}
