// Package service is an embedding service with OpenAI's API in front of a
// verified model. Until there is one, and if there is none, it says so.
package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/weightgate/weightgate/loader"
)

// A Model makes embeddings: an *encoder.Encoder.
type Model interface {
	// Encode is the ids of a text: tokenizer.ErrTooLong or tokenizer.ErrText.
	Encode(text string) ([]int64, error)
	// Check is for ids that a client made: tokenizer.ErrTooLong or tokenizer.ErrIDs.
	Check(ids []int64) error
	// MaxTokens is how many ids a text may have.
	MaxTokens() int
	// Embed is one embedding for each text. It ends with ctx.
	Embed(ctx context.Context, texts [][]int64) ([][]float32, error)
	// Width is the number of elements of an embedding.
	Width() int
	// Report is what the gate knows of the model.
	Report() *loader.Report
	// Phases are what the load took.
	Phases() []loader.PhaseTime
}

// Config says what is served and how much of it. Model is required; zero
// fields mean their defaults.
type Config struct {
	Model string // the name by which clients ask for it

	MaxBody        int64         // of a request, in bytes: 4 MiB
	MaxConnections int           // at once on a listener, further ones wait: 256
	Deadline       time.Duration // of a request, once it was read: 20 s
	ReadHeader     time.Duration // for a request's header to arrive: 5 s
	Read           time.Duration // for a request to arrive: 15 s
	Write          time.Duration // for a request to be answered, from its header on: 60 s
	Idle           time.Duration // between two requests of a connection: 60 s
	Drain          time.Duration // for what is under way when the service ends: 25 s, more than Deadline

	Logger *slog.Logger // nil: silence. Texts, ids and embeddings are never logged
}

func (c Config) withDefaults() Config {
	c.MaxBody = cmp.Or(c.MaxBody, 4<<20)
	c.MaxConnections = cmp.Or(c.MaxConnections, 256)
	c.Deadline = cmp.Or(c.Deadline, 20*time.Second)
	c.ReadHeader = cmp.Or(c.ReadHeader, 5*time.Second)
	c.Read = cmp.Or(c.Read, 15*time.Second)
	c.Write = cmp.Or(c.Write, time.Minute)
	c.Idle = cmp.Or(c.Idle, time.Minute)
	c.Drain = cmp.Or(c.Drain, 25*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// A Service answers for one model. It is safe for concurrent use.
type Service struct {
	cfg     Config
	created time.Time

	mu     sync.Mutex
	health Health
	served Model          // nil until Ready
	report *loader.Report // nil while loading
}

// New makes a Service whose model is loading.
func New(cfg Config) (*Service, error) {
	if cfg.Model == "" {
		return nil, errors.New("service: the model has no name")
	}
	s := &Service{cfg: cfg.withDefaults(), created: time.Now()}
	s.enter(Health{State: Loading}, nil, nil)
	return s, nil
}

// Handler is the API: /v1/embeddings, /v1/models, /healthz.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/embeddings", s.embeddings)
	mux.HandleFunc("/v1/embeddings", only("POST"))
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("/v1/models", only("GET"))
	mux.HandleFunc("GET /v1/models/{model...}", s.oneModel)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("/healthz", only("GET"))
	mux.HandleFunc("/", unknown)
	return mux
}

// Admin is what operators see: /healthz, /debug/models.
func (s *Service) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /debug/models", s.debugModels)
	mux.HandleFunc("/", unknown)
	return mux
}

func only(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", method)
		p := invalid("", "method_not_supported", "Not allowed to %s on %s: only %s requests are accepted.", r.Method, r.URL.Path, method)
		p.status = http.StatusMethodNotAllowed
		p.write(w)
	}
}

func unknown(w http.ResponseWriter, r *http.Request) {
	p := invalid("", "unknown_url", "Invalid URL (%s %s)", r.Method, quote(r.URL.Path))
	p.status = http.StatusNotFound
	p.write(w)
}

// modelObject is what OpenAI's API says of a model.
func (s *Service) modelObject() map[string]any {
	return map[string]any{"id": s.cfg.Model, "object": "model", "created": s.created.Unix(), "owned_by": "weightgate"}
}

// models answers GET /v1/models: what can be asked by now.
func (s *Service) models(w http.ResponseWriter, _ *http.Request) {
	data := []any{}
	if s.model() != nil {
		data = append(data, s.modelObject())
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (s *Service) oneModel(w http.ResponseWriter, r *http.Request) {
	if name := r.PathValue("model"); name != s.cfg.Model || s.model() == nil {
		p := invalid("model", "model_not_found", "The model %s does not exist or you do not have access to it.", quote(name))
		p.status = http.StatusNotFound
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.modelObject())
}
