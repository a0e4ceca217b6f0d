package service

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A reply is an answer and its room among Service.answers, which whoever has
// written it gives back.
type reply struct {
	json []byte
	room int64 // in bytes
}

// compute makes an answer if there is room for it and its vectors. That is taken
// before anything is computed, and a client that does not read keeps it.
func (s *Service) compute(ctx context.Context, model Model, ids [][]int64, asBase64 bool) (*reply, *problem) {
	size := answerSize(s.cfg.Model, len(ids), model.Width(), asBase64)
	vectorSize := 4 * len(ids) * model.Width()
	answer := &reply{room: min(int64(size+vectorSize), s.cfg.MaxAnswers)}
	if !s.answers.TryAcquire(answer.room) {
		return nil, overloaded(time.Second, "Too many answers at once are computed or not yet read, please try again later")
	}
	defer func() {
		if answer.json == nil { // it failed, or panicked
			s.answers.Release(answer.room)
		}
	}()
	vectors, err := model.Embed(ctx, ids)
	if err != nil {
		return nil, s.failed(err)
	}
	answer.json = appendAnswer(make([]byte, 0, size), s.cfg.Model, vectors, count(ids), asBase64)
	return answer, nil
}

// What an answer has besides its numbers, and how long those can be.
const (
	answerFrame    = len(`{"object":"list","data":[],"model":"","usage":{"prompt_tokens":,"total_tokens":}}`) + 2*intSize
	embeddingFrame = len(`{"object":"embedding","index":,"embedding":[]},`) + intSize
	intSize        = len("9223372036854775807")
	floatSize      = len("-1.00000075e-36,") // 9 digits tell all float32 apart
	escapeSize     = len(`\u0000`)           // for a byte of a name
)

// answerSize is what appendAnswer appends at most, in bytes.
func answerSize(model string, texts, width int, asBase64 bool) int {
	vector := floatSize * width
	if asBase64 {
		vector = base64.StdEncoding.EncodedLen(4 * width)
	}
	return answerFrame + escapeSize*len(model) + texts*(embeddingFrame+vector)
}

// appendAnswer appends the answer as JSON: encoding/json would take longer than
// a small batch does.
func appendAnswer(b []byte, model string, vectors [][]float32, tokens int, asBase64 bool) []byte {
	b = append(b, `{"object":"list","data":[`...)
	for i, vector := range vectors {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		if asBase64 {
			b = appendBase64(b, vector)
		} else {
			b = appendFloats(b, vector)
		}
		b = append(b, '}')
	}
	name, _ := json.Marshal(model) // a string always marshals
	return fmt.Appendf(b, `],"model":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, name, tokens, tokens)
}

// appendFloats writes the shortest decimals that are read back as they were.
func appendFloats(b []byte, vector []float32) []byte {
	b = append(b, '[')
	for i, v := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return append(b, ']')
}

// appendBase64 writes little-endian float32.
func appendBase64(b []byte, vector []float32) []byte {
	raw := make([]byte, 0, 4*len(vector))
	for _, v := range vector {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}
