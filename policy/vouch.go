package policy

import (
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/policy/signature"
)

// signatures is what an entry says of OMS bundles.
type signatures struct {
	AnyModel bool      `json:"any_model_of_signer,omitempty"`
	Bundles  documents `json:"bundles"`
	Need     int       `json:"need,omitempty"`   // 0 is the default, 1
	Shards   int64     `json:"shards,omitempty"` // bytes of a shard; 0: bundles are over files
	Signers  []string  `json:"signers"`
	Subject  string    `json:"subject,omitempty"`
}

// approvals is what an entry says of the word of people.
type approvals struct {
	Documents   documents `json:"documents"`
	Environment string    `json:"environment,omitempty"`
	MaxAge      duration  `json:"max_age,omitzero"`
	Roles       []role    `json:"roles"`
}

type role struct {
	Need    int      `json:"need,omitempty"` // 0 is the default, 1
	Role    string   `json:"role"`
	Signers []string `json:"signers"`
}

// release is what an entry says of the number that approvals give a model.
type release struct {
	Min       int64 `json:"min,omitempty"`
	Monotonic bool  `json:"monotonic,omitempty"`
}

// provenance is what an entry says of where weights come from.
type provenance struct {
	Builders  []string  `json:"builders"`
	Documents documents `json:"documents"`
	Materials []string  `json:"materials,omitempty"`
	Signers   []string  `json:"signers"`
}

// revocations is what a policy says of the list of what was revoked.
type revocations struct {
	List       string   `json:"list"`
	MaxAge     duration `json:"max_age"`
	MinVersion int64    `json:"min_version,omitempty"`
	Monotonic  bool     `json:"monotonic,omitempty"`
	Signers    []string `json:"signers"`
}

// documents name evidence: beneath the model's root, and beside the policy.
type documents struct {
	Model  []string `json:"model,omitempty"`
	Policy []string `json:"policy,omitempty"`
}

func (d documents) none() bool { return len(d.Model)+len(d.Policy) == 0 }

// evidence lists them for one use.
func (d documents) evidence(use Use) []Evidence {
	var list []Evidence
	for _, name := range d.Model {
		list = append(list, Evidence{Use: use, InModel: true, Name: name})
	}
	for _, name := range d.Policy {
		list = append(list, Evidence{Use: use, Name: name})
	}
	return list
}

func (d *documents) read(what string) reader {
	return func(n *yaml.Node) error {
		return readMapping(n, what, map[string]reader{
			"model":  readSet(&d.Model, isPath),
			"policy": readSet(&d.Policy, isPath),
		})
	}
}

func (s *signatures) read(n *yaml.Node) error {
	err := readMapping(n, "signatures", map[string]reader{
		"signers":             readSet(&s.Signers, isWord),
		"need":                readNumber(&s.Need),
		"bundles":             s.Bundles.read("bundles"),
		"shards":              readNumber(&s.Shards),
		"subject":             readString(&s.Subject, isAny),
		"any_model_of_signer": readTrue(&s.AnyModel),
	})
	switch {
	case err != nil:
		return err
	case len(s.Signers) == 0:
		return errAt(n, "signatures name no signers")
	case s.Bundles.none():
		return errAt(n, "signatures name no bundles: say where they lie, as model: [model.sig] or policy: [model.sig]")
	case s.Need > len(s.Signers):
		return errAt(n, "signatures need %d signers of %d", s.Need, len(s.Signers))
	case s.Shards != 0 && (s.Shards < signature.MinShard || s.Shards > signature.MaxShard):
		return errAt(n, "shards have %d to %d bytes", signature.MinShard, int64(signature.MaxShard))
	}
	if s.Need == 1 {
		s.Need = 0
	}
	return nil
}

func (a *approvals) read(n *yaml.Node) error {
	err := readMapping(n, "approvals", map[string]reader{
		"documents":   a.Documents.read("documents"),
		"environment": readString(&a.Environment, isWord),
		"max_age":     readDuration(&a.MaxAge),
		"roles":       a.readRoles,
	})
	switch {
	case err != nil:
		return err
	case len(a.Roles) == 0:
		return errAt(n, "approvals name no roles")
	case a.Documents.none():
		return errAt(n, "approvals name no documents")
	}
	return nil
}

func (a *approvals) readRoles(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return errAt(n, "roles is a list, not %s", describe(n))
	}
	for _, item := range n.Content {
		var r role
		err := readMapping(item, "a role", map[string]reader{
			"role":    readString(&r.Role, isWord),
			"need":    readNumber(&r.Need),
			"signers": readSet(&r.Signers, isWord),
		})
		switch {
		case err != nil:
			return err
		case r.Role == "" || len(r.Signers) == 0:
			return errAt(item, "a role has its name under role, and signers")
		case r.Need > len(r.Signers):
			return errAt(item, "the role %q needs %d signers of %d", r.Role, r.Need, len(r.Signers))
		case slices.ContainsFunc(a.Roles, func(o role) bool { return o.Role == r.Role }):
			return errAt(item, "the role %q occurs twice", r.Role)
		}
		if r.Need == 1 {
			r.Need = 0
		}
		a.Roles = append(a.Roles, r)
	}
	return nil
}

func (r *release) read(n *yaml.Node) error {
	return readMapping(n, "release", map[string]reader{"min": readNumber(&r.Min), "monotonic": readTrue(&r.Monotonic)})
}

func (p *provenance) read(n *yaml.Node) error {
	err := readMapping(n, "provenance", map[string]reader{
		"documents": p.Documents.read("documents"),
		"signers":   readSet(&p.Signers, isWord),
		"builders":  readSet(&p.Builders, isAny),
		"materials": readSet(&p.Materials, isAny),
	})
	switch {
	case err != nil:
		return err
	case len(p.Signers) == 0 || len(p.Builders) == 0 || p.Documents.none():
		return errAt(n, "provenance has documents, signers and builders")
	}
	return nil
}

func (r *revocations) read(n *yaml.Node) error {
	err := readMapping(n, "revocation", map[string]reader{
		"list":        readString(&r.List, isPath),
		"signers":     readSet(&r.Signers, isWord),
		"max_age":     readDuration(&r.MaxAge),
		"min_version": readNumber(&r.MinVersion),
		"monotonic":   readTrue(&r.Monotonic),
	})
	switch {
	case err != nil:
		return err
	case r.List == "" || len(r.Signers) == 0 || r.MaxAge == 0:
		return errAt(n, "revocation has list, signers and max_age: a list of any age could be an old one")
	}
	return nil
}

// duration is a time span in whole hours.
type duration time.Duration

var durationSyntax = regexp.MustCompile(`^([1-9][0-9]{0,4})([hd])$`)

// MarshalText writes what readDuration reads, in hours.
func (d duration) MarshalText() ([]byte, error) {
	return append(strconv.AppendInt(nil, int64(time.Duration(d)/time.Hour), 10), 'h'), nil
}

// readDuration reads hours or days, as 24h or 30d.
func readDuration(dst *duration) reader {
	return func(n *yaml.Node) error {
		var text string
		if err := readString(&text, isAny)(n); err != nil {
			return err
		}
		m := durationSyntax.FindStringSubmatch(text)
		if m == nil {
			return errAt(n, "%q is no time span: whole hours or days, as 24h or 30d", text)
		}
		count, _ := strconv.Atoi(m[1])
		unit := time.Hour
		if m[2] == "d" {
			unit = 24 * time.Hour
		}
		*dst = duration(time.Duration(count) * unit)
		return nil
	}
}
