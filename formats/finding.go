package formats

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Code is the dotted, stable name of one kind of finding, such as
// "safetensors.overlap". Codes are constants beside the code that raises them.
type Code string

// Class says what a finding makes of a load that it counts against.
type Class uint8

const (
	Denied       Class = iota // it was read, and it is wrong
	Unverifiable              // it could not be read, or not be read in full
)

func (c Class) String() string {
	if c == Unverifiable {
		return "unverifiable"
	}
	return "denied"
}

// MarshalText writes the class as a word.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Class) UnmarshalText(b []byte) error {
	switch string(b) {
	case "denied":
		*c = Denied
	case "unverifiable":
		*c = Unverifiable
	default:
		return fmt.Errorf("formats: no class %q", b)
	}
	return nil
}

// Severity orders findings. The zero Severity counts as Critical: what nobody
// rated is not harmless.
type Severity uint8

const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

var severities = [...]string{"critical", "info", "low", "medium", "high", "critical"}

// Rank is the severity to compare by: the zero Severity ranks as Critical.
func (s Severity) Rank() Severity {
	if s == 0 || s > Critical {
		return Critical
	}
	return s
}

func (s Severity) String() string {
	if s > Critical {
		s = 0
	}
	return severities[s]
}

// MarshalText writes the severity as a word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads one of info, low, medium, high and critical.
func (s *Severity) UnmarshalText(b []byte) error {
	for v := Info; v <= Critical; v++ {
		if severities[v] == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("formats: no severity %q: info, low, medium, high or critical", b)
}

// A Finding is one thing that was seen in a model, and where.
type Finding struct {
	Code     Code     `json:"code"`
	Class    Class    `json:"class"`
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"`
	Offset   int64    `json:"offset,omitempty"` // in bytes; 0 is also "the file as a whole"
	Detail   string   `json:"detail,omitempty"` // for people; may quote the file, escaped
	Advice   string   `json:"advice,omitempty"` // what to do about it
}

// String is one line: code, place, detail.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(string(f.Code))
	if f.File != "" {
		fmt.Fprintf(&b, " %s", Quote(f.File))
		if f.Offset != 0 {
			fmt.Fprintf(&b, "@%d", f.Offset)
		}
	}
	if f.Detail != "" {
		b.WriteString(": ")
		b.WriteString(f.Detail)
	}
	return b.String()
}

// CodeInfo is what is known of a code whenever it is raised.
type CodeInfo struct {
	Code     Code
	Class    Class
	Severity Severity
	Advice   string
}

// A CodeTable lists the codes of one package. Tables are data: nothing
// registers itself.
type CodeTable []CodeInfo

// Finding is a finding of that code, rated by the table. A code that the table
// does not hold is denied as critical.
func (t CodeTable) Finding(c Code, file string, offset int64, format string, args ...any) Finding {
	f := Finding{Code: c, Severity: Critical, File: file, Offset: offset, Detail: fmt.Sprintf(format, args...)}
	for _, info := range t {
		if info.Code == c {
			f.Class, f.Severity, f.Advice = info.Class, info.Severity, info.Advice
		}
	}
	return f
}

// Hides reports characters that text from a file must not show people as they
// stand: control characters, and those that order or join others.
func Hides(r rune) bool {
	if r < utf8.RuneSelf { // as most are, of the many names that are looked at
		return unicode.IsControl(r)
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Quote is a name from a file as it may be shown to people: as it stands if it
// is printable ASCII without quotes, else escaped in double quotes.
func Quote(name string) string {
	for _, r := range name {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
			return strings.ReplaceAll(fmt.Sprintf("%+q", name), "\x7f", `\x7f`)
		}
	}
	return name
}
