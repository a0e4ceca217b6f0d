package cli_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// hub REPOSITORY COMMIT TOKEN DIR serves the files of DIR as a hub does, to whoever
// has the token, at $HUB, which the command trusts.
func hub(ts *testscript.TestScript, _ bool, args []string) {
	repository, commit, token := args[0], args[1], args[2]
	files, err := os.OpenRoot(ts.MkAbs(args[3]))
	ts.Check(err)
	var siblings []map[string]any
	entries, err := os.ReadDir(ts.MkAbs(args[3]))
	ts.Check(err)
	for _, e := range entries {
		content, err := files.ReadFile(e.Name())
		ts.Check(err)
		siblings = append(siblings, map[string]any{"rfilename": e.Name(), "size": len(content), "blobId": strings.Repeat("0", 40),
			"lfs": map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256(content)), "size": len(content)}})
	}
	metadata, err := json.Marshal(map[string]any{"id": repository, "sha": commit, "siblings": siblings})
	ts.Check(err)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, isFile := strings.CutPrefix(r.URL.Path, "/"+repository+"/resolve/"+commit+"/")
		switch {
		case r.Header.Get("Authorization") != "Bearer "+token:
			http.Error(w, "", http.StatusUnauthorized)
		case r.URL.Path == "/api/models/"+repository+"/revision/"+commit:
			w.Write(metadata)
		case isFile:
			content, err := files.ReadFile(name)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("X-Repo-Commit", commit)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		default:
			http.NotFound(w, r)
		}
	}))
	ts.Defer(func() {
		server.Close()
		ts.Check(files.Close())
	})
	roots := filepath.Join(ts.Getenv("WORK"), "roots.pem")
	ts.Check(os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644))
	ts.Setenv("SSL_CERT_FILE", roots) // linux's and the BSDs'
	ts.Setenv("HUB", server.URL)
}
