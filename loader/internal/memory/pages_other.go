//go:build !unix

package memory

type protection int

const (
	noAccess protection = iota
	readOnly
	readWrite
)

// pages is memory of the Go heap, which knows no protections.
type pages struct{ bytes []byte }

func mapPages(n int) (*pages, error) { return &pages{bytes: make([]byte, n)}, nil }

func (p *pages) unmap() error {
	p.bytes = nil
	return nil
}

func populate([]byte) error { return nil }

func protect([]byte, protection) error { return nil }
