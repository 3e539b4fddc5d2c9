package algorithms

// WaitLines returns how many keys calls of Wait are in progress for.
func WaitLines() int {
	lines.mu.Lock()
	defer lines.mu.Unlock()
	return len(lines.of)
}
