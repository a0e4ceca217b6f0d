// Package encoder is a verified sentence encoder behind a queue: ids in,
// embeddings out.
package encoder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weightgate/weightgate/examples/embed/tokenizer"
	"github.com/weightgate/weightgate/formats/all"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/gpu/graph"
	"github.com/weightgate/weightgate/loader"
)

// Config says what is loaded, and where it computes. Policy, Name, Dir, Library
// and Device are required.
type Config struct {
	Policy    string     // path of the policy; its lock lies beside it
	Name      string     // the model's name in the policy
	Dir       string     // a Hugging Face directory
	Library   string     // path of ONNX Runtime's core library
	Providers []string   // paths of the execution provider libraries that Device needs
	Device    gpu.Device // where the session computes
	Threads   int        // on one operator; zero: one for each core
	Limits    Limits
}

// An Encoder is a session of a verified model and the tokenizer of the same
// files. It is safe for concurrent use. The caller closes it.
type Encoder struct {
	*tokenizer.Tokenizer

	report *loader.Report
	phases []loader.PhaseTime
	device gpu.Device
	width  int
	batch  *batch
	queue  *queue
}

// Open admits the model and opens its session. A model that was refused is a
// *loader.Rejection.
func Open(ctx context.Context, cfg Config) (*Encoder, error) {
	gate, err := loader.Open(cfg.Policy, all.Formats())
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	m, err := gate.Load(ctx, cfg.Name, loader.Dir(cfg.Dir))
	if err != nil {
		return nil, err
	}
	defer m.Close() // the session keeps the weights that it uses

	admitted := m.Report().Phases
	laps := laps{last: time.Now(), phases: slices.Clone(admitted)}
	tokens, err := tokenizer.Open(m.FS()) // the bytes that were verified, not the files
	if err != nil {
		return nil, err
	}
	laps.end("tokenizer")
	s, err := gpu.Open(ctx, m, gpu.Config{
		Library: cfg.Library, Providers: cfg.Providers, Device: cfg.Device, Threads: cfg.Threads, Build: graph.Sentence,
	})
	if err != nil {
		return nil, err
	}
	e, err := newEncoder(s, tokens, cfg)
	if err != nil {
		s.Close()
		return nil, err
	}
	e.report = m.Report()
	laps.end("session", e.report.Phases[len(admitted):]...)
	if err := e.warm(ctx); err != nil {
		e.Close()
		return nil, err
	}
	laps.end("first run")
	e.phases = laps.phases
	return e, nil
}

func newEncoder(s *gpu.Session, tokens *tokenizer.Tokenizer, cfg Config) (*Encoder, error) {
	outputs := s.Outputs()
	if len(outputs) != 1 || len(outputs[0].Shape) != 2 || outputs[0].Shape[1] <= 0 {
		return nil, fmt.Errorf("encoder: outputs %v are not one embedding for each text", outputs)
	}
	limits := cfg.Limits.withDefaults()
	if limits.BatchTokens < tokens.MaxTokens() {
		return nil, fmt.Errorf("encoder: a batch of %d tokens does not hold a text of %d", limits.BatchTokens, tokens.MaxTokens())
	}
	e := &Encoder{Tokenizer: tokens, device: cfg.Device, width: int(outputs[0].Shape[1])}
	var err error
	if e.batch, err = newBatch(s, tokens.Pad(), e.width); err != nil {
		return nil, err
	}
	e.queue = newQueue(limits, e.batch.run)
	return e, nil
}

// warm makes the first run, which is the slowest: nobody waits for it, and if it
// fails there is no Encoder. Those that follow are large, and set the pace.
func (e *Encoder) warm(ctx context.Context) error {
	none, err := e.Encode("")
	if err != nil {
		return err
	}
	longest, err := e.Encode(strings.Repeat("a ", e.MaxTokens()-len(none)))
	if err != nil {
		return err
	}
	large := slices.Repeat([][]int64{longest}, (e.queue.pace.telling+len(longest)-1)/len(longest))
	for _, texts := range [][][]int64{{none}, large, large} {
		if _, err := e.Embed(ctx, texts); err != nil {
			return err
		}
	}
	return nil
}

// Embed is one embedding for each text, given as ids that Encode made or Check
// let pass; they are not changed again. It waits for its turn and ends with ctx,
// whatever else is in the same batch.
//
// If others are computed or wait, ctx has a deadline, and, as the batches so far
// tell, it would be missed, or by another caller because of these texts, the error
// is a *BusyError at once.
// Other errors are ErrNotFinite, ErrClosed, ctx's and the session's.
func (e *Encoder) Embed(ctx context.Context, texts [][]int64) ([][]float32, error) {
	return e.queue.embed(ctx, texts, e.width)
}

// Width is the number of elements of an embedding.
func (e *Encoder) Width() int { return e.width }

// Device is where the session computes.
func (e *Encoder) Device() gpu.Device { return e.device }

// Report is what is known of the model, its session included.
func (e *Encoder) Report() *loader.Report { return e.report }

// Phases are what the load took, in the order in which it ran: the gate's own
// phases and those of the Encoder. No time is in two of them.
func (e *Encoder) Phases() []loader.PhaseTime { return e.phases }

// Close ends what is waiting and running, and releases the session.
func (e *Encoder) Close() error {
	e.queue.close()
	return e.batch.session.Close()
}

// laps are phases that followed each other.
type laps struct {
	last   time.Time
	phases []loader.PhaseTime
}

// end is for a phase that began when the last one ended. Those that ran within
// it come before it, and their time is not its own.
func (l *laps) end(phase string, within ...loader.PhaseTime) {
	took := time.Since(l.last)
	l.last = l.last.Add(took)
	for _, p := range within {
		took -= p.Duration
	}
	l.phases = append(append(l.phases, within...), loader.PhaseTime{Phase: phase, Duration: took})
}
