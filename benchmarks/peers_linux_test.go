package benchmarks

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/benchmarks/results"
)

// tools are the programs that ways start, by their paths.
type tools struct {
	Python, ModelSigning, Fickling, ONNXRuntime string // interpreters
	Picklescan, Modelscan                       string
	SHA256Sum, OpenSSL, B3Sum                   string
	Weightgate                                  string

	Scripts string // the directory of what Python runs
	Out     string // a directory for what programs write, beside the models
}

// A peer is programs of others that ways start.
type peer struct {
	name    string
	command *string // as a person names it
	at      func(*tools) *string
	version []string // arguments with which it tells its version; none: it does not
	install string
	ways    []string
}

var (
	pythonFlag       = flag.String("python", "python3", "a Python with torch, safetensors and numpy")
	modelSigningFlag = flag.String("model-signing", "python3", "a Python with model-signing 1.1.1")
	ficklingFlag     = flag.String("fickling", "python3", "a Python with fickling, whose command does not read checkpoints")
	picklescanFlag   = flag.String("picklescan", "picklescan", "the command")
	modelscanFlag    = flag.String("modelscan", "modelscan", "the command")
	sha256sumFlag    = flag.String("sha256sum", "sha256sum", "the command of coreutils")
	opensslFlag      = flag.String("openssl", "openssl", "the command")
	b3sumFlag        = flag.String("b3sum", "b3sum", "the command")
	withoutFlag      = reasonsFlag("without", "PEER=REASON: leaves a peer out, and the results say why; may be given several times")
)

// reasons are why peers are left out, by their names.
type reasons map[string]string

func reasonsFlag(name, usage string) reasons {
	r := reasons{}
	flag.Var(r, name, usage)
	return r
}

func (r reasons) String() string { return fmt.Sprint(map[string]string(r)) }

func (r reasons) Set(text string) error {
	name, why, _ := strings.Cut(text, "=")
	if why == "" || !slices.ContainsFunc(peers(), func(p peer) bool { return p.name == name }) {
		return errors.New("a peer's name, =, and a reason")
	}
	r[name] = why
	return nil
}

const (
	packageOf   = "make bench installs it; or pip install %s, and -%s names the interpreter"
	commandOf   = "make bench installs it; or pip install %s, and -%[1]s names the command"
	debianOf    = "on Debian and Ubuntu: apt-get install %s"
	tellVersion = "from importlib.metadata import version; import importlib, sys; print(*(f'{p} {version(p)}' for p in sys.argv[1:] if importlib.import_module(p)), sep=', ')"
)

// peers is all of them.
func peers() []peer {
	return append([]peer{
		{"torch", pythonFlag, func(t *tools) *string { return &t.Python }, []string{"-c", tellVersion, "torch", "safetensors"},
			fmt.Sprintf(packageOf, "torch safetensors numpy", "python"),
			[]string{pythonSafeOpen, pythonLoadFile, pythonLoadCopies, pythonTorchLoad, torchReference, torchSynced}},
		{"model_signing", modelSigningFlag, func(t *tools) *string { return &t.ModelSigning }, []string{"-c", tellVersion, "model_signing"},
			fmt.Sprintf(packageOf, "model-signing==1.1.1 pyOpenSSL", "model-signing"),
			[]string{modelSigningFiles, modelSigningShards, startOfModelSigning}},
		{"sha256sum", sha256sumFlag, func(t *tools) *string { return &t.SHA256Sum }, []string{"--version"},
			fmt.Sprintf(debianOf, "coreutils"), []string{sha256sum}},
		{"openssl", opensslFlag, func(t *tools) *string { return &t.OpenSSL }, []string{"version"},
			fmt.Sprintf(debianOf, "openssl"), []string{openssl}},
		{"b3sum", b3sumFlag, func(t *tools) *string { return &t.B3Sum }, []string{"--version"},
			fmt.Sprintf(debianOf, "b3sum"), []string{b3sum}},
		{"picklescan", picklescanFlag, func(t *tools) *string { return &t.Picklescan }, nil,
			fmt.Sprintf(commandOf, "picklescan"), []string{picklescan, startOfPicklescan}},
		{"modelscan", modelscanFlag, func(t *tools) *string { return &t.Modelscan }, []string{"--version"},
			fmt.Sprintf(commandOf, "modelscan"), []string{modelscan, startOfModelscan}},
		{"fickling", ficklingFlag, func(t *tools) *string { return &t.Fickling }, []string{"-c", tellVersion, "fickling"},
			fmt.Sprintf(packageOf, "fickling typing-extensions", "fickling"), []string{fickling, startOfFickling}},
	}, sessionPeers()...)
}

// find is the path of a peer, and what it says of its version.
func (p peer) find() (path, version string, err error) {
	path, err = exec.LookPath(*p.command)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err == nil && p.version != nil {
		var said []byte
		said, err = exec.Command(path, p.version...).Output()
		version, _, _ = strings.Cut(strings.TrimSpace(string(said)), "\n")
	}
	if err != nil {
		return "", "", fmt.Errorf("peer %s did not run (%w): %s; -without %s=REASON leaves it out", p.name, err, p.install, p.name)
	}
	return path, version, nil
}

// A finding is what find found, once for a run.
type finding struct {
	path, version string
	err           error
}

var findings = sync.OnceValue(func() map[string]finding {
	all := map[string]finding{}
	for _, p := range peers() {
		if _, without := withoutFlag[p.name]; !without {
			path, version, err := p.find()
			all[p.name] = finding{path, version, err}
		}
	}
	return all
})

// missing is every peer that cannot be run and was not left out.
func missing() (err error) {
	all := findings()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		err = errors.Join(err, all[name].err)
	}
	return errors.Join(err, withoutFlag.alone())
}

// alone is the peers that judge the checkpoint, if nobody writes one.
func (r reasons) alone() (err error) {
	if _, without := r["torch"]; !without {
		return nil
	}
	for _, name := range []string{"picklescan", "modelscan", "fickling"} {
		if _, without := r[name]; !without {
			err = errors.Join(err, fmt.Errorf("peer %s judges a checkpoint that torch writes, which is left out: leave it out as well", name))
		}
	}
	return err
}

// find adds what the ways start, and returns the ways of peers that were left
// out. A peer that is not there is an error.
func (t *tools) find(tb testing.TB, ways []string) (gone []string) {
	tb.Helper()
	var lost, err error
	for _, p := range peers() {
		if !slices.ContainsFunc(p.ways, func(way string) bool { return slices.Contains(ways, way) }) {
			continue
		}
		if _, without := withoutFlag[p.name]; without {
			gone = append(gone, p.ways...)
			continue
		}
		f := findings()[p.name]
		lost = errors.Join(lost, f.err)
		*p.at(t) = f.path
	}
	require.NoError(tb, lost)
	t.Scripts, err = os.Getwd()
	require.NoError(tb, err)
	return gone
}

// told is what a run's results say of every peer. One that no table has is an
// error.
func told(run *results.Run) (all []results.Peer, err error) {
	for _, p := range peers() {
		if why, without := withoutFlag[p.name]; without {
			all = append(all, results.Peer{Name: p.name, Without: why})
			continue
		}
		all = append(all, results.Peer{Name: p.name, Version: findings()[p.name].version})
		if !slices.ContainsFunc(run.Tables, func(t results.Table) bool {
			return slices.ContainsFunc(t.Rows, func(r results.Row) bool { return slices.Contains(p.ways, r.Way) })
		}) {
			err = errors.Join(err, fmt.Errorf("peer %s was not measured", p.name))
		}
	}
	return all, err
}
