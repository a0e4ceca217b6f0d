// Package service is an embedding service with OpenAI's API in front of a
// verified model. Until there is one, and if there is none, it says so.
package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/weightgate/weightgate/examples/internal/clients"
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
	// Embed is one embedding for each text, of finite elements. It ends with ctx, and
	// at once with a *encoder.BusyError if there is no hope behind what is computed
	// and waits.
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

	MaxTokens      int           // of a request, all inputs together: 32,768
	MaxBody        int64         // of a request, in bytes: 4 MiB
	MaxBodies      int64         // that arrive, and again that wait to be parsed, in bytes: 64 MiB, MaxBody or more
	MaxAnswers     int64         // and their vectors, until they are written, in bytes: 256 MiB. A larger one is made alone
	MaxConnections int           // at once on a listener: 512
	Parsing        int           // requests at once whose ids are made: one for each core
	Deadline       time.Duration // of a request, once it has arrived: 20 s
	ReadHeader     time.Duration // for a request's header to arrive: 5 s
	Read           time.Duration // for a request to arrive: 15 s
	Write          time.Duration // for a request to be answered, from its header on: 60 s
	Idle           time.Duration // between two requests of a connection: 60 s
	Drain          time.Duration // for what is under way when the service ends: 25 s, more than Deadline

	Logger *slog.Logger // nil: silence. Texts, ids and embeddings are never logged
}

func (c Config) withDefaults() Config {
	c.MaxTokens = cmp.Or(c.MaxTokens, 1<<15)
	c.MaxBody = cmp.Or(c.MaxBody, 4<<20)
	c.MaxBodies = cmp.Or(c.MaxBodies, 64<<20)
	c.MaxAnswers = cmp.Or(c.MaxAnswers, 256<<20)
	c.MaxConnections = cmp.Or(c.MaxConnections, 512)
	c.Parsing = cmp.Or(c.Parsing, runtime.GOMAXPROCS(0))
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

	loading *standing // what it begins with
	now     atomic.Pointer[standing]
	clients *clients.Clients
	bodies  *semaphore.Weighted // bytes of requests that wait to be parsed
	answers *semaphore.Weighted // bytes of answers from before they are computed until they are written
	parsing chan struct{}       // a place for each request whose ids are made
}

// New makes a Service whose model is loading.
func New(cfg Config) (*Service, error) {
	if cfg.Model == "" {
		return nil, errors.New("service: the model has no name")
	}
	cfg = cfg.withDefaults()
	s := &Service{
		cfg:     cfg,
		created: time.Now(),
		clients: clients.New(cfg.MaxConnections, cfg.MaxBodies),
		bodies:  semaphore.NewWeighted(cfg.MaxBodies),
		answers: semaphore.NewWeighted(cfg.MaxAnswers),
		parsing: make(chan struct{}, cfg.Parsing),
	}
	s.loading = &standing{health: s.health(Loading)}
	s.now.Store(s.loading)
	return s, nil
}

// handler is the API: /v1/embeddings, /v1/models, /healthz.
func (s *Service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/embeddings", s.embeddings)
	mux.HandleFunc("/v1/embeddings", only("POST"))
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("/v1/models", only("GET"))
	mux.HandleFunc("GET /v1/models/{model...}", s.oneModel)
	mux.HandleFunc("/v1/models/{model...}", only("GET"))
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("/healthz", only("GET"))
	mux.HandleFunc("/", unknown)
	return exactly(mux)
}

// admin is what operators see: /healthz, /debug/models.
func (s *Service) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.adminHealthz)
	mux.HandleFunc("/healthz", only("GET"))
	mux.HandleFunc("GET /debug/models", s.debugModels)
	mux.HandleFunc("/debug/models", only("GET"))
	mux.HandleFunc("/", unknown)
	return exactly(mux)
}

// exactly is mux for clean paths, and unknown for those that it might redirect to
// one.
func exactly(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent := r.URL.EscapedPath(); sent != path.Clean("/"+sent) {
			unknown(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func only(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", method)
		p := invalidStatus(http.StatusMethodNotAllowed, "method_not_supported", "Not allowed to %s on %s: only %s requests are accepted.",
			shown(r.Method), shown(r.URL.Path), method)
		p.write(w)
	}
}

func unknown(w http.ResponseWriter, r *http.Request) {
	p := invalidStatus(http.StatusNotFound, "unknown_url", "Invalid URL (%s %s)", shown(r.Method), shown(r.URL.Path))
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
		noModel(name).write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.modelObject())
}
