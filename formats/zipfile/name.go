package zipfile

import (
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightgate/weightgate/formats"
)

// unusable says why a member cannot have that name: its bytes mean different
// characters to different readers, or it would lie outside of the archive.
func unusable(name string, isUTF8 bool) string {
	switch {
	case name == "":
		return "a member without a name"
	case !utf8.ValidString(name):
		return "not UTF-8"
	case !isUTF8 && strings.IndexFunc(name, beyondASCII) >= 0:
		return "not ASCII, and not marked as UTF-8"
	case strings.IndexFunc(name, unprintable) >= 0:
		return "a character that cannot be printed"
	case strings.ContainsRune(name, '\\'):
		return "a backslash, which some systems take for a slash"
	case len(name) > 2 && name[1:3] == ":/":
		return "a path that begins with a drive"
	case name == "." || name == "./" || !fs.ValidPath(strings.TrimSuffix(name, "/")):
		return "not a plain relative path"
	}
	return ""
}

func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

// unprintable holds for control characters, and for the ones that turn text
// around or take no room.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// folded is what names have in common that are one file to a system that
// ignores case, or that keeps a directory where another keeps a file.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII && r != 'k' && r != 's' && r != 'K' && r != 'S' { // U+212A and U+017F fold to these
			return unicode.ToLower(r)
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return unicode.ToLower(least)
	}, strings.TrimSuffix(name, "/"))
}

// quote is a name as an error may show it: escaped, and not at any length.
func quote(name string) string {
	const enough = 128
	if len(name) > enough {
		return formats.Quote(name[:enough]) + "..."
	}
	return formats.Quote(name)
}
