package hf

import (
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
)

type app struct{ hub Hub }

// recorder keeps what a failed assertion prints.
type recorder struct{ *strings.Builder }

func (r recorder) Errorf(format string, args ...any) { fmt.Fprintf(r, format, args...) }

// A token is in nothing that prints, whatever prints it.
func TestTokenIsSilent(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	h.Token = NewToken(testToken)
	src := h.Repository(testID, testCommit)
	tree := openTree(t, h)
	h.Transport = nil // its connections are in use
	var printed strings.Builder
	log := slog.New(slog.NewJSONHandler(&printed, nil))
	text := slog.New(slog.NewTextHandler(&printed, nil))
	for _, v := range []any{h, &h, h.Token, &h.Token, []Token{h.Token}, map[string]Token{"t": h.Token}, src, tree, app{h}, &app{h}, struct{ t Token }{h.Token}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
		fmt.Fprintln(&printed, v)
		log.Info("m", "v", v)
		text.Info("m", "v", v)
	}
	for _, v := range []any{h, &h, h.Token, []Token{h.Token}} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		printed.Write(b)
	}
	b, err := xml.Marshal(h.Token)
	require.NoError(t, err)
	printed.Write(b)
	printed.WriteString(h.Token.String() + h.Token.GoString())
	spew := recorder{&printed}
	assert.Equal(spew, h, Hub{})
	assert.Equal(spew, app{h}, app{})
	var gobbed strings.Builder
	require.Error(t, gob.NewEncoder(&gobbed).Encode(struct{ T Token }{h.Token}))
	printed.WriteString(gobbed.String())
	for text, want := range map[string]bool{redacted: true, testToken: false, fmt.Sprintf("%x", testToken): false} {
		require.Equal(t, want, strings.Contains(strings.ToLower(printed.String()), strings.ToLower(text)), text)
	}
	require.Empty(t, NewToken("").String())
}

// A server that has the token cannot bring it into a log.
func TestTokenIsNotSentBack(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"in the protocol": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, testToken+" 200 OK\r\n\r\n")
		},
		"in the status": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 403 "+testToken+"\r\nContent-Length: 0\r\n\r\n")
		},
		"in a status that is no number": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 "+testToken+" OK\r\n\r\n")
		},
		"in a header": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: "+testToken+"\r\n\r\n")
		},
		"in a redirect": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 302 Found\r\nLocation: http://"+testToken+"/?"+testToken+"\r\nContent-Length: 0\r\n\r\n")
		},
		"in a redirect that is none": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 302 Found\r\nLocation: https://%zz"+testToken+"\r\nContent-Length: 0\r\n\r\n")
		},
		"in the encoding": func(w http.ResponseWriter, _ *http.Request) bool {
			return hijack(w, "HTTP/1.1 200 OK\r\nContent-Encoding: "+testToken+"\r\nContent-Length: 0\r\n\r\n")
		},
		"in the metadata": func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"/%s"}]}`, testCommit, testToken)
			return true
		},
	} {
		s := smallRepository(t)
		s.onMetadata = answer
		h := s.client(t)
		h.Token, h.Tries = NewToken(testToken), 2
		_, err := h.Repository(testID, testCommit).Open(t.Context(), formats.Limits{})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), testToken, name)
	}
}

// A redirect of the hub takes the token nowhere but to the hub itself.
func TestTokenStaysWithItsHost(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	h.Token = NewToken(testToken)
	s.onHub = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/org/") {
			return false
		}
		if r.URL.RawQuery == "" { // first to itself, by a relative address
			http.Redirect(w, r, r.URL.EscapedPath()+"?again", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	s.requireAll(t, openTree(t, h))
	foreign := 0
	for _, r := range s.requests() {
		if r.host == "cdn" {
			foreign++
			require.Empty(t, r.authorization)
		} else {
			require.Equal(t, "Bearer "+testToken, r.authorization)
		}
	}
	require.Equal(t, 2, foreign, "each file in Git LFS that is not empty")
}

// A chain that left the hub has no token for the hub either.
func TestTokenDoesNotComeBack(t *testing.T) {
	s := smallRepository(t)
	h := s.client(t)
	h.Token = NewToken(testToken)
	tree := openTree(t, h)
	s.requests()
	s.onCDN = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, s.hub.URL+"/another/secret", http.StatusFound)
		return true
	}
	_, err := tree.Open(t.Context(), big)
	require.ErrorIs(t, err, ErrNotFound)
	var authorized []string
	for _, r := range s.requests() {
		authorized = append(authorized, r.host+" "+r.authorization)
	}
	require.Equal(t, []string{"hub Bearer " + testToken, "cdn ", "hub "}, authorized)
}
