package scripts

// Waiting is how many calls wait in a coalescer.
func Waiting(c *Coalescer) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}
