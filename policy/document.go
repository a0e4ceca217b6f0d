package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/formats"
)

// The words that a policy may say where only one thing can be said.
const (
	pinned   = "pinned"   // libraries
	required = "required" // pin
	enforce  = "enforce"  // mode
	audit    = "audit"    // mode
	sha256d  = "sha256"   // measure
)

// document is a policy, version 1. Fields stand in the bytewise order of their
// keys, which is what makes the JSON canonical. What equals its default is
// left out, so that a key added within a version changes no digest; a default
// never changes within a version.
type document struct {
	Libraries  string      `json:"libraries,omitempty"`
	Lock       string      `json:"lock,omitempty"`
	Mode       string      `json:"mode,omitempty"` // empty is the default, enforce
	Models     []entry     `json:"models"`
	Revocation revocations `json:"revocation,omitzero"`
	Signers    []signer    `json:"signers,omitempty"` // sorted bytewise by name
	Version    int         `json:"version"`
}

// entry is what a policy says of the names that it fits. Unpinned asks for no
// pin; one that the lock has for the name is held all the same.
type entry struct {
	Approvals  approvals   `json:"approvals,omitzero"`
	Commit     string      `json:"commit,omitempty"`
	Companions []string    `json:"companions,omitempty"`
	Convert    convert     `json:"convert,omitzero"`
	Exceptions []exception `json:"exceptions,omitempty"`
	Files      files       `json:"files,omitzero"`
	Findings   findings    `json:"findings,omitzero"`
	Formats    []string    `json:"formats"`
	Limits     limits      `json:"limits,omitzero"`
	Measure    []string    `json:"measure,omitempty"`
	Name       string      `json:"name"`
	Pin        string      `json:"pin,omitempty"`
	Provenance provenance  `json:"provenance,omitzero"`
	Release    release     `json:"release,omitzero"`
	Repository string      `json:"repository,omitempty"`
	Session    sessionUse  `json:"session,omitzero"`
	Signatures signatures  `json:"signatures,omitzero"`
	Source     []string    `json:"source"`
	Unpinned   bool        `json:"unpinned,omitempty"`
}

type files struct {
	Only []string `json:"only"`
}

// findings are refused from Refuse on; zero is the default, high.
type findings struct {
	Refuse formats.Severity `json:"refuse"`
}

type limits struct {
	Bytes   int64 `json:"bytes,omitempty"`
	Depth   int   `json:"depth,omitempty"`
	Files   int   `json:"files,omitempty"`
	Fold    int64 `json:"fold,omitempty"`
	Header  int64 `json:"header,omitempty"`
	Inflate int64 `json:"inflate,omitempty"`
	Nesting int   `json:"nesting,omitempty"`
	Nodes   int   `json:"nodes,omitempty"`
	Tensors int   `json:"tensors,omitempty"`
}

type sessionUse struct {
	CPUNodes []string `json:"cpu_nodes,omitempty"`
	Device   []string `json:"device"`
}

// threshold is the lowest severity that refuses.
func (f findings) threshold() formats.Severity {
	if f.Refuse == 0 {
		return formats.High
	}
	return f.Refuse
}

func (d document) canonical() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		panic("policy: a document that is not JSON: " + err.Error()) // every field marshals
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// parseDocument reads a policy's text; file is what errors call it.
func parseDocument(file string, text []byte) (document, error) {
	root, err := readYAML(text)
	if err != nil {
		return document{}, inFile(file, err)
	}
	var d document
	if err := d.read(root); err != nil {
		return document{}, inFile(file, err)
	}
	return d, nil
}

// maxMessage is how much of a hostile value an error quotes.
const maxMessage = 400 // bytes

func inFile(file string, err error) error {
	if p, ok := errors.AsType[*ParseError](err); ok {
		p.File = file
		if len(p.Msg) > maxMessage {
			p.Msg = strings.ToValidUTF8(p.Msg[:maxMessage], "") + "…"
		}
	}
	return err
}

func (d *document) read(n *yaml.Node) error {
	var models *yaml.Node
	err := readMapping(n, "a policy", map[string]reader{
		"version":    readNumber(&d.Version),
		"mode":       readString(&d.Mode, oneOf(enforce, audit)),
		"lock":       readString(&d.Lock, isFileName),
		"libraries":  readString(&d.Libraries, oneOf(pinned)),
		"revocation": d.Revocation.read,
		"signers":    d.readSigners,
		"models":     func(n *yaml.Node) error { models = n; return d.readModels(n) },
	})
	if err != nil {
		return err
	}
	if d.Mode == enforce {
		d.Mode = ""
	}
	switch {
	case d.Version != 1:
		return errAt(n, "the policy's version is not 1: this reader knows no other")
	case len(d.Models) == 0:
		return errAt(n, "the policy has no models: it would admit nothing")
	case d.Libraries != "" && d.Lock == "":
		return errAt(n, "libraries are pinned by a lock, and the policy names none: say lock: weightgate.lock")
	}
	if err := d.known(n, d.Revocation.Signers); err != nil {
		return err
	}
	for i, e := range d.Models {
		if err := d.known(models.Content[i], e.signers()); err != nil {
			return err
		}
		switch {
		case e.Pin != "" && d.Lock == "":
			return errAt(models.Content[i], "the model %q is pinned by a lock, and the policy names none: say lock: weightgate.lock", e.Name)
		case e.converts() && !e.Convert.Unpinned && d.Lock == "":
			return errAt(models.Content[i], "what the model %q is converted into is pinned by a lock, and the policy names none: say lock: weightgate.lock", e.Name)
		case len(e.Session.Device) > 0 && d.Libraries == "":
			return errAt(models.Content[i], "the model %q has a session, and the policy takes no library that could open it: say libraries: pinned", e.Name)
		}
	}
	return nil
}

func (d *document) readModels(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return errAt(n, "models is a list, not %s", describe(n))
	}
	before := taken{}
	for i, item := range n.Content {
		var e entry
		if err := e.read(item); err != nil {
			return err
		}
		if last, all := before.whole(&e); all {
			return errAt(item, "the model %q is never reached: models up to models[%d], %q, take every name and source that it has",
				e.Name, last, d.Models[last].Name)
		}
		before.add(i, &e)
		d.Models = append(d.Models, e)
	}
	return nil
}

func (e *entry) read(n *yaml.Node) error {
	var severity string
	err := readMapping(n, "a model", map[string]reader{
		"name":       readString(&e.Name, isPattern),
		"source":     readSet(&e.Source, oneOf("dir", "file", "fs", "hub")),
		"repository": readString(&e.Repository, isPath),
		"commit":     readString(&e.Commit, isCommit),
		"formats":    readSet(&e.Formats, isFormat),
		"pin":        readString(&e.Pin, oneOf(required)),
		"unpinned":   readTrue(&e.Unpinned),
		"companions": readSet(&e.Companions, isGlob),
		"convert":    e.Convert.read,
		"approvals":  e.Approvals.read,
		"exceptions": e.readExceptions,
		"provenance": e.Provenance.read,
		"release":    e.Release.read,
		"signatures": e.Signatures.read,
		"measure":    readSet(&e.Measure, oneOf(sha256d)),
		"limits":     e.Limits.read,
		"session":    e.Session.read,
		"files": func(n *yaml.Node) error {
			return readMapping(n, "files", map[string]reader{"only": readSet(&e.Files.Only, isGlob)})
		},
		"findings": func(n *yaml.Node) error {
			return readMapping(n, "findings", map[string]reader{
				"refuse": readString(&severity, oneOf("info", "low", "medium", "high", "critical")),
			})
		},
	})
	if err != nil {
		return err
	}
	if severity != "" && severity != formats.High.String() {
		if err := e.Findings.Refuse.UnmarshalText([]byte(severity)); err != nil {
			return errAt(n, "%v", err)
		}
	}
	switch {
	case e.Name == "":
		return errAt(n, "a model without name")
	case len(e.Source) == 0:
		return errAt(n, "the model %q names no source: dir, file, fs or hub", e.Name)
	case len(e.Formats) == 0:
		return errAt(n, "the model %q names no formats", e.Name)
	case e.Pin == "" && !e.Unpinned && !e.signed():
		return errAt(n, "the model %q says neither pin: required, nor signatures, nor unpinned: true", e.Name)
	case e.Unpinned && e.signed():
		return errAt(n, "the model %q has signatures and says unpinned: leave unpinned out", e.Name)
	case e.Release != (release{}) && len(e.Approvals.Roles) == 0:
		return errAt(n, "the model %q has a release, whose number approvals give, and no approvals", e.Name)
	case e.Pin != "" && e.Unpinned:
		return errAt(n, "the model %q says both pin and unpinned", e.Name)
	case (e.Repository != "" || e.Commit != "") && !slices.Contains(e.Source, "hub"):
		return errAt(n, "the model %q names a repository or commit, and its source is no hub", e.Name)
	}
	return nil
}

func (l *limits) read(n *yaml.Node) error {
	return readMapping(n, "limits", map[string]reader{
		"bytes":   readNumber(&l.Bytes),
		"depth":   readNumber(&l.Depth),
		"files":   readNumber(&l.Files),
		"fold":    readNumber(&l.Fold),
		"header":  readNumber(&l.Header),
		"inflate": readNumber(&l.Inflate),
		"nesting": readNumber(&l.Nesting),
		"nodes":   readNumber(&l.Nodes),
		"tensors": readNumber(&l.Tensors),
	})
}

func (s *sessionUse) read(n *yaml.Node) error {
	err := readMapping(n, "session", map[string]reader{
		"device":    readSet(&s.Device, oneOf("cpu", "cuda")),
		"cpu_nodes": readSet(&s.CPUNodes, isAny),
	})
	if err == nil && len(s.Device) == 0 {
		return errAt(n, "session names no device: cpu or cuda")
	}
	return err
}

// names reports whether e is about the name that a caller gave.
func (e *entry) names(name string) bool {
	if modelName(name) != "" {
		return false
	}
	if prefix, open := strings.CutSuffix(e.Name, "*"); open {
		return strings.HasPrefix(name, prefix)
	}
	return name == e.Name
}

// admits reports whether files may come from o.
func (e *entry) admits(o Origin) bool {
	if !slices.Contains(e.Source, o.Kind) {
		return false
	}
	return o.Kind != "hub" ||
		(e.Repository == "" || e.Repository == o.Repository) && (e.Commit == "" || e.Commit == o.Commit)
}

// signed reports whether the entry asks for signatures.
func (e *entry) signed() bool { return len(e.Signatures.Signers) > 0 }

// signers are all that the entry names.
func (e *entry) signers() []string {
	names := slices.Concat(e.Signatures.Signers, e.Provenance.Signers)
	for _, r := range e.Approvals.Roles {
		names = append(names, r.Signers...)
	}
	return names
}

// matches reports whether one of the globs fits a file. A glob is a pattern of
// package path for the whole name beneath the model's root; one without a
// slash is also held against the last element, in whatever directory.
func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
		ok, _ := path.Match(g, path.Base(name))
		return ok && !strings.Contains(g, "/")
	})
}

var (
	nameSyntax   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@:+-]*$`)
	formatSyntax = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	commitSyntax = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

const maxName = 256 // bytes of a model's name

// modelName says what is wrong with a name of a model.
func modelName(s string) string {
	if len(s) > maxName || !nameSyntax.MatchString(s) {
		return fmt.Sprintf("is no model name: at most %d letters, digits and ._/@:+- after a letter or digit", maxName)
	}
	return ""
}

// isPattern takes a name, or the beginning of names before one *.
func isPattern(s string) string {
	if prefix, open := strings.CutSuffix(s, "*"); open && (prefix == "" || modelName(prefix) == "") {
		return ""
	}
	return modelName(s)
}

// isPath takes a slash-separated name in its shortest form, which never climbs.
func isPath(s string) string {
	if !fs.ValidPath(s) || s == "." || !isPrintable(s) {
		return "is no printable, slash-separated path in its shortest form"
	}
	return ""
}

func isFileName(s string) string {
	if isPath(s) != "" || strings.ContainsAny(s, `/\:`) {
		return "is no plain file name"
	}
	return ""
}

func isGlob(s string) string {
	if _, err := path.Match(s, ""); err != nil {
		return "is no pattern"
	}
	return ""
}

func isFormat(s string) string {
	switch {
	case !formatSyntax.MatchString(s):
		return "is no name of a format"
	case s == DataFormat:
		return "is what belongs to a graph, no format of its own"
	}
	return ""
}

func isCommit(s string) string {
	if !commitSyntax.MatchString(s) {
		return "is no commit: 40 lower-case hexadecimal digits"
	}
	return ""
}

func isAny(string) string { return "" }

func oneOf(words ...string) check {
	return func(s string) string {
		if !slices.Contains(words, s) {
			return "is not " + strings.Join(words, ", ")
		}
		return ""
	}
}
