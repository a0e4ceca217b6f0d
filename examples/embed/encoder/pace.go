package encoder

import "time"

// A pace is how long a token takes, as the batches so far had it. Small batches
// are slower than large ones, and count only if they were not.
type pace struct {
	telling int     // tokens of a batch that counts, or more
	token   float64 // seconds; zero: not known

	tokens int // of the batch that is computed; zero: there is none
	since  time.Time
}

// begin is for a batch of so many tokens, padding apart.
func (p *pace) begin(tokens int) { p.tokens, p.since = tokens, time.Now() }

// end is for the batch that began last. Older batches count for half.
func (p *pace) end(computed bool) {
	token := time.Since(p.since).Seconds() / float64(p.tokens)
	switch {
	case !computed, p.tokens < p.telling && token >= p.token:
	case p.token == 0:
		p.token = token
	default:
		p.token = (p.token + token) / 2
	}
	p.tokens = 0
}

// of is what so many tokens take, or zero if that is not known.
func (p *pace) of(tokens int) time.Duration {
	return time.Duration(p.token * float64(tokens) * float64(time.Second))
}

// rest is what the batch that is computed still takes.
func (p *pace) rest() time.Duration {
	if p.tokens == 0 {
		return 0
	}
	return max(p.of(p.tokens)-time.Since(p.since), 0)
}
