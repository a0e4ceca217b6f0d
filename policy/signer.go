package policy

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/policy/manifest"
	"github.com/weightgate/weightgate/policy/signature"
)

const maxMaterial = 64 << 10 // bytes of a key or a root

// signer is a person or a machine that may vouch for something: one principal,
// whatever keys it has.
type signer struct {
	InsecureLeafNotBefore bool       `json:"insecure_leaf_not_before,omitempty"`
	Keys                  []material `json:"keys,omitempty"`
	Name                  string     `json:"name"`
	Names                 []string   `json:"names,omitempty"`
	Roots                 []material `json:"roots,omitempty"`
	Subject               string     `json:"subject,omitempty"`

	keys  []crypto.PublicKey
	roots []*x509.Certificate
}

// material is a key or a root: in the policy itself, or in a file beside it.
type material struct {
	PEM    string
	File   string
	SHA256 manifest.Digest // of the file's bytes
}

// MarshalJSON writes what read reads.
func (m material) MarshalJSON() ([]byte, error) {
	if m.PEM != "" {
		return json.Marshal(m.PEM)
	}
	return json.Marshal(struct {
		File   string          `json:"file"`
		SHA256 manifest.Digest `json:"sha256"`
	}{m.File, m.SHA256})
}

func (s *signer) read(n *yaml.Node) error {
	err := readMapping(n, "a signer", map[string]reader{
		"name":                     readString(&s.Name, isWord),
		"keys":                     readMaterials(&s.Keys),
		"roots":                    readMaterials(&s.Roots),
		"names":                    readSet(&s.Names, isAlternativeName),
		"subject":                  readString(&s.Subject, isAny),
		"insecure_leaf_not_before": readTrue(&s.InsecureLeafNotBefore),
	})
	switch {
	case err != nil:
		return err
	case s.Name == "":
		return errAt(n, "a signer without name")
	case len(s.Keys) == 0 && len(s.Roots) == 0:
		return errAt(n, "the signer %q has neither keys nor roots", s.Name)
	case len(s.Roots) == 0 && (len(s.Names) > 0 || s.Subject != "" || s.InsecureLeafNotBefore):
		return errAt(n, "the signer %q says what its certificates are like, and has no roots", s.Name)
	case len(s.Roots) > 0 && len(s.Names) == 0 && s.Subject == "":
		return errAt(n, "the signer %q has roots: say subject or names, or whoever has a certificate of theirs is this signer", s.Name)
	}
	return nil
}

func readMaterials(dst *[]material) reader {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
			return errAt(n, "expected a list that is not empty, not %s", describe(n))
		}
		for _, item := range n.Content {
			var m material
			if err := m.read(item); err != nil {
				return err
			}
			*dst = append(*dst, m)
		}
		return nil
	}
}

func (m *material) read(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if !strings.HasPrefix(n.Value, "-----BEGIN ") || len(n.Value) > maxMaterial {
			return errAt(n, "expected PEM, or file and sha256")
		}
		m.PEM = n.Value
		return nil
	}
	var sum string
	err := readMapping(n, "a key or root", map[string]reader{
		"file":   readString(&m.File, isPath),
		"sha256": readString(&sum, isAny),
	})
	if err != nil {
		return err
	}
	if m.SHA256, err = manifest.ParseDigest(sum); err != nil || m.File == "" || m.SHA256.IsZero() {
		return errAt(n, "a file that is named needs its sha256: 64 lower-case hexadecimal digits, in quotes if they are all digits")
	}
	return nil
}

// text is the PEM of m; files are those beside the policy.
func (m material) text(files beside) ([]byte, error) {
	if m.PEM != "" {
		return []byte(m.PEM), nil
	}
	b, err := files.read(m.File, maxMaterial)
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxMaterial:
		return nil, fmt.Errorf("%s: more than %d bytes", m.File, maxMaterial)
	case sha256.Sum256(b) != m.SHA256:
		return nil, fmt.Errorf("%s: its SHA-256 is not the one that the policy has", m.File)
	}
	return b, nil
}

// resolve parses keys and roots. One key is one signer's.
func (d *document) resolve(file string, files beside) error {
	owner := map[manifest.Digest]string{}
	for i := range d.Signers {
		s := &d.Signers[i]
		fail := func(err error) error {
			return inFile(file, &ParseError{Msg: fmt.Sprintf("the signer %q: %v", s.Name, err)})
		}
		for _, m := range s.Keys {
			text, err := m.text(files)
			if err != nil {
				return fail(err)
			}
			key, err := signature.ParseKey(text)
			if err != nil {
				return fail(err)
			}
			id, err := signature.KeyID(key)
			if err != nil {
				return fail(err)
			}
			if other, taken := owner[id]; taken {
				return fail(fmt.Errorf("its key %s is already that of %q: one key is one signer's", id, other))
			}
			owner[id] = s.Name
			s.keys = append(s.keys, key)
		}
		for _, m := range s.Roots {
			text, err := m.text(files)
			if err != nil {
				return fail(err)
			}
			roots, err := signature.ParseCertificates(text)
			if err != nil {
				return fail(err)
			}
			s.roots = append(s.roots, roots...)
		}
	}
	return nil
}

// readSigners reads the list at the top of a policy.
func (d *document) readSigners(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return errAt(n, "signers is a list that is not empty, not %s", describe(n))
	}
	for _, item := range n.Content {
		var s signer
		if err := s.read(item); err != nil {
			return err
		}
		if d.signer(s.Name) != nil {
			return errAt(item, "the signer %q occurs twice", s.Name)
		}
		d.Signers = append(d.Signers, s)
	}
	slices.SortFunc(d.Signers, func(a, b signer) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// signer is the signer of that name, nil if there is none.
func (d *document) signer(name string) *signer {
	i := slices.IndexFunc(d.Signers, func(s signer) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &d.Signers[i]
}

// isKnown takes the name of a signer that the policy has.
func (d *document) known(n *yaml.Node, names []string) error {
	for _, name := range names {
		if d.signer(name) == nil {
			return errAt(n, "the policy has no signer %q", name)
		}
	}
	return nil
}

// takes reports whether the certificate is one of this signer's.
func (s *signer) takes(leaf signature.Certificate) bool {
	return (s.Subject == "" || s.Subject == leaf.Subject) &&
		(len(s.Names) == 0 || slices.ContainsFunc(s.Names, func(n string) bool { return slices.Contains(leaf.Names, n) }))
}

func isWord(s string) string {
	if len(s) > 64 || !formatSyntax.MatchString(s) {
		return "is no word of at most 64 lower-case letters, digits and ._-"
	}
	return ""
}

func isAlternativeName(s string) string {
	kind, rest, _ := strings.Cut(s, ":")
	if !slices.Contains([]string{"dns", "email", "ip", "uri"}, kind) || rest == "" {
		return "is no alternative name: dns:, email:, ip: or uri: and the name"
	}
	return ""
}
