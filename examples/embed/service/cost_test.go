package service

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// timed adds up what a model takes.
type timed struct {
	Model
	tokenizer, session atomic.Int64 // nanoseconds
}

func (m *timed) Encode(text string) ([]int64, error) {
	defer m.add(&m.tokenizer, time.Now())
	return m.Model.Encode(text)
}

func (m *timed) Embed(ctx context.Context, texts [][]int64) ([][]float32, error) {
	defer m.add(&m.session, time.Now())
	return m.Model.Embed(ctx, texts)
}

func (*timed) add(to *atomic.Int64, start time.Time) { to.Add(int64(time.Since(start))) }

// BenchmarkRequest says where the time of a request goes: into the session, its
// queue included, into the tokenizer, and into everything else, which is HTTP,
// JSON and the client.
func BenchmarkRequest(b *testing.B) {
	const sentence = "The gate admits what it verified, and hands exactly that to the runtime. "
	for _, count := range []int{1, 32} {
		for _, format := range []string{"float", "base64"} {
			b.Run(fmt.Sprintf("texts=%d/%s", count, format), func(b *testing.B) {
				m := &timed{Model: miniLM(b)}
				s := serve(b, Config{}, m)
				inputs := make([]string, count)
				for i := range inputs {
					inputs[i] = fmt.Sprint(sentence, i)
				}
				request := body(b, inputs, `,"encoding_format":"`, format, `"`)
				for b.Loop() {
					require.Equal(b, http.StatusOK, s.post(b, request).status)
				}
				total := float64(b.Elapsed())
				session, tokens := float64(m.session.Load()), float64(m.tokenizer.Load())
				b.ReportMetric(100*session/total, "%session")
				b.ReportMetric(100*tokens/total, "%tokenizer")
				b.ReportMetric(100*(total-session-tokens)/total, "%http")
			})
		}
	}
}
