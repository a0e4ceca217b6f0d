//go:build linux && amd64 && cgo

package soak_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/weightgate/weightgate/examples/embed/encoder"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/loader"
)

var soakFlag = flag.Duration("soak", 0, "how long the service answers while its files are rewritten; 0: no soak")

const clients = 8

// soaking skips what takes minutes, unless -soak asks for it.
func soaking(t *testing.T) {
	t.Helper()
	if *soakFlag == 0 {
		t.Skip("not run: -soak 10m runs it")
	}
}

// Clients ask all the time, the model's files change on the disk all the time,
// and every answer is right. Nothing grows.
func TestSoakService(t *testing.T) {
	soaking(t)
	program := built(t)
	fresh := start(t, program)
	require.NoError(t, ask(t.Context(), fresh.url, references(t)[:1]))
	http.DefaultClient.CloseIdleConnections()
	few := fresh.goroutines(t)

	s := start(t, program)
	ctx, cancel := context.WithTimeout(t.Context(), *soakFlag)
	defer cancel()
	var answers atomic.Int64
	working, during := errgroup.WithContext(ctx)
	sentences := references(t)
	for range clients {
		working.Go(func() error { return askOn(during, s.url, sentences, &answers) })
	}
	working.Go(func() error { return rewrite(during, s.model) })

	warm := min(time.Minute, *soakFlag/2)
	select {
	case <-time.After(warm):
	case <-during.Done():
	}
	memory, files := s.resident(t), s.descriptors(t)
	require.NoError(t, working.Wait())
	grown, open := s.resident(t), s.descriptors(t)
	http.DefaultClient.CloseIdleConnections()
	time.Sleep(2 * time.Second) // until the service has seen that nobody is there
	many := s.goroutines(t)
	t.Logf("%d answers in %v; resident %d KiB after %v, %d KiB at the end (%+.1f %%); descriptors %d, %d; goroutines of a fresh one %d, at the end %d",
		answers.Load(), *soakFlag, memory, warm, grown, 100*(float64(grown)/float64(memory)-1), files, open, few, many)
	require.Positive(t, answers.Load())
	require.LessOrEqual(t, float64(grown), 1.05*float64(memory))
	require.LessOrEqual(t, open, files+2)
	require.LessOrEqual(t, many, few+2)
}

// askOn asks, some sentences at a time, until ctx ends.
func askOn(ctx context.Context, url string, all []reference, answers *atomic.Int64) error {
	for ctx.Err() == nil {
		from := rand.IntN(len(all))
		some := all[from : from+1+rand.IntN(len(all)-from)]
		switch err := ask(ctx, url, some); {
		case ctx.Err() != nil:
		case err != nil:
			return err
		default:
			answers.Add(1)
		}
	}
	return nil
}

// ask asks for embeddings, and holds them against the references.
func ask(ctx context.Context, url string, sentences []reference) error {
	var texts []string
	for _, r := range sentences {
		texts = append(texts, r.Text)
	}
	body, err := json.Marshal(map[string]any{"model": "minilm", "input": texts})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/embeddings", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var got struct {
		Data []struct {
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &got); err != nil || answer.StatusCode != http.StatusOK || len(got.Data) != len(sentences) {
		return fmt.Errorf("%s: %.300s", answer.Status, text)
	}
	for i, r := range sentences {
		if d := distance(r.vector(), got.Data[i].Embedding); !(d <= 1e-4) {
			return fmt.Errorf("%q is off by %g", r.Text, d)
		}
	}
	return nil
}

// distance is the largest difference of two elements.
func distance(a, b []float32) (d float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// rewrite changes files in dir until ctx ends: in place, by truncation, by
// another file of that name, and by none.
func rewrite(ctx context.Context, dir string) error {
	published, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return err
	}
	names := []string{"config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json",
		"tokenizer.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"}
	garbage := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	for step := 0; ctx.Err() == nil; step++ {
		random.Read(garbage)
		path := filepath.Join(dir, filepath.FromSlash(names[step%len(names)]))
		var err error
		switch step / len(names) % 5 {
		case 0:
			err = overwrite(path, garbage)
		case 1:
			err = os.Truncate(path, int64(random.Uint64()%1000))
		case 2:
			err = errors.Join(os.WriteFile(path+".new", garbage, 0o644), os.Rename(path+".new", path))
		case 3:
			err = os.Remove(path)
		case 4:
			err = os.WriteFile(path, published[:1<<20], 0o644)
		}
		if err != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// overwrite writes over the beginning of a file, and leaves its length.
func overwrite(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// Models and sessions that come and go leave nothing behind. What malloc keeps of
// what they gave back, by how they happened to lie, is not theirs: this process
// is one whose malloc gives back at once.
func TestSoakRounds(t *testing.T) {
	soaking(t)
	const giveBack = "MALLOC_MMAP_THRESHOLD_=131072"
	if name, value, _ := strings.Cut(giveBack, "="); os.Getenv(name) != value {
		child := exec.Command(os.Args[0], "-test.run=^TestSoakRounds$", "-test.v", "-soak", soakFlag.String())
		child.Env = append(os.Environ(), giveBack)
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestSoakRounds")
		t.Logf("%s", out)
		return
	}
	cfg := config(t)
	after := func(rounds int) int {
		for range rounds {
			e, err := encoder.Open(t.Context(), cfg)
			require.NoError(t, err)
			require.NoError(t, e.Close())
		}
		debug.FreeOSMemory() // what is garbage is Go's
		return resident(t, os.Getpid())
	}
	memory, grown := after(20), after(80)
	t.Logf("resident %d KiB after 20 rounds, %d KiB after 100 (%+.1f %%)", memory, grown, 100*(float64(grown)/float64(memory)-1))
	require.LessOrEqual(t, float64(grown), 1.05*float64(memory))
}

// Loads that run at once are served alike. How much alike is told, not asserted.
func TestSoakLoadsAtOnce(t *testing.T) {
	soaking(t)
	cfg := config(t)
	gate, err := loader.Open(cfg.Policy, all.Formats())
	require.NoError(t, err)
	defer gate.Close()
	for range 3 {
		took := make([]time.Duration, clients)
		models := make([]*loader.Model, clients)
		var working errgroup.Group
		for i := range clients {
			working.Go(func() (err error) {
				from := time.Now()
				models[i], err = gate.Load(t.Context(), cfg.Name, loader.Dir(cfg.Dir))
				took[i] = time.Since(from)
				return err
			})
		}
		require.NoError(t, working.Wait())
		for _, m := range models {
			require.NoError(t, m.Close())
		}
		fastest, slowest := slices.Min(took), slices.Max(took)
		t.Logf("%d loads at once: %v to %v, the slowest %.2f × the fastest", clients, fastest, slowest, float64(slowest)/float64(fastest))
	}
}
