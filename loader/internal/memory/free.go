package memory

// Free is the largest region in bytes that the arena can cut without mapping
// more memory; 0 for an arena that keeps nothing.
func (a *Arena) Free() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pages == nil || a.closed {
		return 0
	}
	at, free := 0, 0
	for _, r := range a.held {
		free = max(free, r.offset-at)
		at = r.offset + len(r.bytes)
	}
	return int64(max(free, len(a.pages.bytes)-at))
}
