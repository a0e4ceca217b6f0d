package revocation

import "github.com/weightgate/weightgate/policy/manifest"

// An Index finds entries of a list in time that does not grow with it. The zero
// Index is that of an empty list: that a list was there is for others to see to.
type Index struct {
	reasons map[Entry]string // by what is revoked
}

// thing is what e revokes.
func (e Entry) thing() Entry {
	e.Reason = ""
	return e
}

// Index indexes a list that Parse returned or Encode takes. It keeps nothing of l.
func (l *List) Index() *Index {
	x := &Index{reasons: make(map[Entry]string, len(l.Entries))}
	for _, e := range l.Entries {
		x.reasons[e.thing()] = e.Reason
	}
	return x
}

func (x *Index) find(thing Entry) (Entry, bool) {
	reason, ok := x.reasons[thing]
	if !ok {
		return Entry{}, false
	}
	thing.Reason = reason
	return thing, true
}

// File finds the entry that revokes a file of that fs-verity digest or SHA-256.
func (x *Index) File(d manifest.Digest) (Entry, bool) { return x.find(Entry{File: d}) }

// Identity finds the entry that revokes a model.
func (x *Index) Identity(d manifest.Digest) (Entry, bool) { return x.find(Entry{Identity: d}) }

// Key finds the entry that revokes a signer's key, by its signature.KeyID.
func (x *Index) Key(d manifest.Digest) (Entry, bool) { return x.find(Entry{Key: d}) }

// Certificate finds the entry that revokes a certificate, by issuer and serial
// as a signature.Certificate has them.
func (x *Index) Certificate(issuer, serial string) (Entry, bool) {
	return x.find(Entry{Issuer: issuer, Serial: serial})
}
