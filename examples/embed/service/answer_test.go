package service

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/embed/encoder"
)

// longest has as many characters in JSON as a float32 can have.
const longest = float32(-1.00000075e-36)

// wide is a model whose answers are large.
type wide struct {
	stalled
	width int
}

func (m *wide) Width() int { return m.width }

func (m *wide) Embed(ctx context.Context, texts [][]int64) ([][]float32, error) {
	vectors, err := m.stalled.Embed(ctx, texts)
	for i := range vectors {
		vectors[i] = make([]float32, m.width)
		for j := range vectors[i] {
			vectors[i][j] = longest
		}
	}
	return vectors, err
}

// unread asks, and is the connection once its answer has begun, of which it
// takes no more.
func (r *running) unread(t testing.TB, request string) (net.Conn, *bufio.Reader) {
	c := dial(t, r.api, len(request))
	_, err := io.WriteString(c, request)
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	answer := bufio.NewReader(c)
	_, err = answer.Peek(1)
	require.NoError(t, err)
	return c, answer
}

// Answers that nobody reads take no more memory than they may.
func TestManyAnswers(t *testing.T) {
	m := &wide{width: 1 << 20, stalled: stalled{began: make(chan struct{}, 100)}} // of 16 MiB, more than a socket keeps
	s := serve(t, Config{MaxAnswers: 51 << 20}, m)                                // two with their vectors, or three without
	request := body(t, "a")
	leaves, _ := s.unread(t, request)
	_, late := s.unread(t, request)
	require.Len(t, m.began, 2)

	a := s.post(t, request)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, "overloaded", a.error(t).code())
	require.Len(t, m.began, 2, "nothing is computed for it")

	require.NoError(t, leaves.Close())
	require.Eventually(t, func() bool { return s.post(t, request).status == http.StatusOK }, time.Minute, time.Millisecond)
	response, err := http.ReadResponse(late, nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	s.roomIsBack(t)
}

// roomIsBack waits until no answer has any.
func (r *running) roomIsBack(t testing.TB) {
	require.Eventually(t, func() bool {
		all := r.answers.TryAcquire(r.cfg.MaxAnswers)
		if all {
			r.answers.Release(r.cfg.MaxAnswers)
		}
		return all
	}, time.Minute, time.Millisecond)
}

// An answer that is larger than all room there is has it alone, and what failed
// has none.
func TestRoomOfAnAnswer(t *testing.T) {
	s := serve(t, Config{MaxAnswers: 1}, &wide{width: 1 << 20})
	s.unread(t, body(t, "a"))
	require.Equal(t, "overloaded", s.post(t, body(t, "a")).error(t).code())

	s = serve(t, Config{MaxAnswers: 1}, &stalled{})
	s.works(t)
	s.roomIsBack(t)

	s = serve(t, Config{MaxAnswers: 1}, &stalled{err: encoder.ErrNotFinite})
	require.Equal(t, http.StatusInternalServerError, s.post(t, body(t, "a")).status)
	s.roomIsBack(t)
}

// There is room for 16 of the largest answers that MiniLM gives.
func TestRoomByDefault(t *testing.T) {
	s, err := New(Config{Model: "minilm"})
	require.NoError(t, err)
	largest := answerSize("minilm", maxInputs, 384, false) + 4*maxInputs*384
	require.EqualValues(t, 16, s.cfg.MaxAnswers/int64(largest))
}

// What is counted is never less than an answer, and little more than the largest.
func TestSizeOfAnAnswer(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	anyBits := func() float32 { return math.Float32frombits(random.Uint32()) }
	extreme := []float32{
		longest, -math.MaxFloat32, -math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)),
		-0.000123456785, -123456.79, -999999.9, -1234567.9, float32(math.Inf(-1)), float32(math.NaN()),
	}
	for name, element := range map[string]func() float32{
		"any bits": anyBits,
		"longest":  func() float32 { return longest },
		"extreme":  func() float32 { return extreme[random.IntN(len(extreme))] },
		"small exponents": func() float32 { // those that decimals without an exponent are written for, and their neighbours
			return float32(random.NormFloat64() * math.Pow(10, float64(random.IntN(14)-6)))
		},
	} {
		for _, model := range []string{"minilm", "", "\x00\"<é\u2028\xff", strings.Repeat("\x01", 100)} {
			for _, asBase64 := range []bool{false, true} {
				for _, texts := range []int{1, 2, maxInputs} {
					width := 1 + random.IntN(700)
					flat, vectors := make([]float32, texts*width), make([][]float32, texts)
					for i := range flat {
						flat[i] = element()
					}
					for i := range vectors {
						vectors[i] = flat[i*width : (i+1)*width]
					}
					most := answerSize(model, texts, width, asBase64)
					b := appendAnswer(make([]byte, 0, most), model, vectors, math.MaxInt, asBase64)
					at := fmt.Sprintf("%s, %q, base64 %v, %d by %d", name, model, asBase64, texts, width)
					require.LessOrEqual(t, len(b), most, at)
					require.Equal(t, most, cap(b), "%s: it was moved", at)
					if asBase64 || name == "longest" {
						require.Less(t, most-len(b), 6*len(model)+32*(1+texts), at)
					}
				}
			}
		}
	}
}

func TestSizeOfAFloat(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200_000 {
		bits := random.Uint32()
		v := math.Float32frombits(bits)
		require.LessOrEqual(t, len(appendFloats(nil, []float32{v, v})), len("[]")+2*floatSize, "%08x", bits)
	}
}
