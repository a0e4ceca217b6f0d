package loader

import (
	"sync"
	"sync/atomic"
	"time"
)

// progressInterval is how often a caller hears of progress at most.
const progressInterval = 100 * time.Millisecond

// progress counts copied bytes and tells the host of them now and then.
type progress struct {
	name  string
	tell  func(Progress)
	total int64
	done  atomic.Int64

	mu   sync.Mutex // held while tell runs
	last time.Time
}

func newProgress(name string, tell func(Progress)) *progress {
	return &progress{name: name, tell: tell}
}

// add counts n bytes. Whoever finds the host busy with earlier news moves on.
func (p *progress) add(n int64) {
	p.done.Add(n)
	if p.tell == nil || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	done := p.done.Load() // not what it was before the lock: it never goes back
	if now := time.Now(); now.Sub(p.last) >= progressInterval {
		p.last = now
		p.tell(Progress{Name: p.name, Done: done, Total: p.total})
	}
}

// end tells the host the last count, whatever the interval.
func (p *progress) end() {
	if p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(Progress{Name: p.name, Done: p.done.Load(), Total: p.total})
}
