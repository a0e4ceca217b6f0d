package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/weightgate/weightgate/formats"
)

// A Case is a test of a policy: facts, and what it has to answer.
type Case struct {
	Name    string
	Phase   Phase
	Facts   Facts
	Verdict Verdict
	Audit   bool           // only the mode audit lets it pass
	Codes   []formats.Code // of the reasons, sorted, each once
	Waived  []formats.Code // of what exceptions let pass, sorted, each once
}

// ParseCases reads the cases of a policy: a list, in the YAML that policies are
// written in, of mappings with name, phase, verdict and facts, and where it
// applies audit, codes and waived. Facts are spelled as Facts has them in JSON.
// What is not well formed is a *ParseError; on error no case is returned.
func ParseCases(text []byte) ([]Case, error) {
	root, err := readYAML(text)
	if err != nil {
		return nil, inFile("cases", err)
	}
	if root.Kind != yaml.SequenceNode || len(root.Content) == 0 {
		return nil, inFile("cases", errAt(root, "the cases are a list that is not empty, not %s", describe(root)))
	}
	var cases []Case
	for _, item := range root.Content {
		var c Case
		if err := c.read(item); err != nil {
			return nil, inFile("cases", err)
		}
		if slices.ContainsFunc(cases, func(o Case) bool { return o.Name == c.Name }) {
			return nil, inFile("cases", errAt(item, "the case %q occurs twice", c.Name))
		}
		cases = append(cases, c)
	}
	return cases, nil
}

func (c *Case) read(n *yaml.Node) error {
	var phase, verdict string
	var codes, waived []string
	err := readMapping(n, "a case", map[string]reader{
		"name":    readString(&c.Name, isAny),
		"phase":   readString(&phase, oneOf(phases[PhaseStat:]...)),
		"verdict": readString(&verdict, oneOf(verdicts[:]...)),
		"audit":   readTrue(&c.Audit),
		"codes":   readSet(&codes, isAny),
		"waived":  readSet(&waived, isAny),
		"facts":   c.readFacts,
	})
	switch {
	case err != nil:
		return err
	case c.Name == "" || phase == "" || verdict == "" || c.Facts.Name == "":
		return errAt(n, "a case has name, phase, verdict and facts, and those the name of the model")
	}
	for _, code := range codes {
		c.Codes = append(c.Codes, formats.Code(code))
	}
	for _, code := range waived {
		c.Waived = append(c.Waived, formats.Code(code))
	}
	if err := c.Phase.UnmarshalText([]byte(phase)); err != nil {
		return errAt(n, "%v", err)
	}
	if err := c.Verdict.UnmarshalText([]byte(verdict)); err != nil {
		return errAt(n, "%v", err)
	}
	return nil
}

func (c *Case) readFacts(n *yaml.Node) error {
	var b bytes.Buffer
	if err := writeJSON(&b, n); err != nil {
		return err
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(&c.Facts); err != nil {
		return errAt(n, "facts: %v", err)
	}
	return nil
}

// writeJSON writes a tree that readYAML returned. A plain scalar that is neither
// a number of JSON, nor true nor false, is a string.
func writeJSON(b *bytes.Buffer, n *yaml.Node) error {
	switch {
	case n.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case n.Kind == yaml.MappingNode:
		return writeJSONObject(b, n)
	case n.ShortTag() == "!!null":
		return errAt(n, "null: leave the key out")
	case isPlain(n) && n.Value != "" && json.Valid([]byte(n.Value)):
		b.WriteString(n.Value)
	default:
		text, err := json.Marshal(n.Value)
		if err != nil {
			return errAt(n, "%v", err)
		}
		b.Write(text)
	}
	return nil
}

func writeJSONObject(b *bytes.Buffer, n *yaml.Node) error {
	b.WriteByte('{')
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Value == "<<" || seen[key.Value] {
			return errAt(key, "a key is a string that occurs once")
		}
		seen[key.Value] = true
		if i > 0 {
			b.WriteByte(',')
		}
		text, err := json.Marshal(key.Value)
		if err != nil {
			return errAt(key, "%v", err)
		}
		b.Write(append(text, ':'))
		if err := writeJSON(b, n.Content[i+1]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// Try asks p what the case is about, and says what is other than expected; ""
// if nothing is.
func (c *Case) Try(p *Policy) (d Decision, wrong string) {
	d = p.For(c.Facts.Name, c.Facts.Origin).Decide(c.Phase, &c.Facts)
	var reasons, waived []formats.Code
	for _, r := range d.Reasons {
		reasons = append(reasons, r.Code)
	}
	for _, w := range d.Waived {
		waived = append(waived, w.Code)
	}
	switch reasons, waived = distinct(reasons), distinct(waived); {
	case d.Verdict != c.Verdict:
		wrong = fmt.Sprintf("%s, and expected %s", d.Verdict, c.Verdict)
	case d.Audit != c.Audit:
		wrong = "audit is " + strconv.FormatBool(d.Audit)
	case !slices.Equal(reasons, c.Codes):
		wrong = fmt.Sprintf("reasons %v, and expected %v", reasons, c.Codes)
	case !slices.Equal(waived, c.Waived):
		wrong = fmt.Sprintf("waived %v, and expected %v", waived, c.Waived)
	}
	return d, wrong
}

func distinct(codes []formats.Code) []formats.Code {
	slices.Sort(codes)
	return slices.Compact(codes)
}
