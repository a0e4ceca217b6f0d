// Package tokenizer makes the ids of a text, from a model's verified files.
//
// The ids are those of Hugging Face's tokenizers, or there is an error. The
// vocabulary is asked through go-huggingface, word by word. Its normalizer, its
// pre-tokenizer and its limit on a word differ from the reference (format and
// other control characters, spaces, newer punctuation, words of more bytes than
// characters), so that these are our own; its byte-level BPE and Unigram differ
// throughout, and models that need them are refused.
package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gomlx/go-huggingface/tokenizers/api"
	"github.com/gomlx/go-huggingface/tokenizers/hftokenizer"
)

var (
	// ErrUnsupported says that the ids would not be those of the reference.
	ErrUnsupported = errors.New("tokenizer: not supported")

	// ErrTooLong says that a text has more tokens than the model takes.
	ErrTooLong = errors.New("tokenizer: too many tokens")

	// ErrText says that a text is not UTF-8.
	ErrText = errors.New("tokenizer: not UTF-8")

	// ErrIDs says that ids are not those of any text.
	ErrIDs = errors.New("tokenizer: not the ids of a text")
)

// A Tokenizer makes ids. It is safe for concurrent use.
type Tokenizer struct {
	vocabulary     *hftokenizer.Tokenizer
	letters        letters
	normalizer     normalizer
	added          []addedToken // the longest first
	begins         string       // what they begin with
	before, behind []int64
	unknown, pad   int64
	size           int64 // of the vocabulary, as the model's embedding has it
	maxWord        int   // characters
	maxTokens      int
}

// Open reads tokenizer.json, tokenizer_config.json, config.json and, where there
// is one, sentence_bert_config.json. It keeps nothing of files.
func Open(files fs.FS) (*Tokenizer, error) {
	content, err := fs.ReadFile(files, "tokenizer.json")
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	d, err := readDefinition(content)
	if err != nil {
		return nil, err
	}
	s, err := readSettings(files)
	if err != nil {
		return nil, err
	}
	if err := d.check(s); err != nil {
		return nil, err
	}
	t := &Tokenizer{
		letters:    d.letters(),
		normalizer: normalizer{uncased: d.Normalizer.Lowercase},
		unknown:    d.Model.Vocab[d.Model.UnkToken],
		size:       s.config.VocabSize,
		maxWord:    d.Model.MaxInputCharsPerWord,
		maxTokens:  s.maxTokens(),
	}
	if t.before, t.behind, err = d.frame(); err != nil {
		return nil, err
	}
	if t.maxTokens <= len(t.before)+len(t.behind) {
		return nil, unsupported("a model that takes %d tokens", t.maxTokens)
	}
	var ok bool
	if t.pad, ok = d.Model.Vocab[s.tokenizer.PadToken]; !ok {
		return nil, unsupported("the vocabulary has no pad_token")
	}
	t.added = slices.SortedStableFunc(slices.Values(d.AddedTokens), func(a, b addedToken) int {
		return len(b.Content) - len(a.Content)
	})
	for _, token := range t.added {
		first, _ := utf8.DecodeRuneInString(token.Content)
		t.begins += string(first)
	}
	words, err := d.words()
	if err != nil {
		return nil, err
	}
	if t.vocabulary, err = hftokenizer.NewFromContent(&api.Config{}, words); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return t, t.vocabulary.With(api.EncodeOptions{})
}

// MaxTokens is how many ids the model takes for one text, special ones included.
func (t *Tokenizer) MaxTokens() int { return t.maxTokens }

// Pad is the id that shorter texts of a batch are filled up with.
func (t *Tokenizer) Pad() int64 { return t.pad }

// Encode is the ids of text, special ones included. They are the caller's. What
// reads like a special token in text is one, as at the reference.
//
// A text is never cut: one with more than MaxTokens is ErrTooLong, whatever
// follows those: that is searched for added tokens, and a few kilobytes or one
// word of it are prepared. One that is not UTF-8 is ErrText.
func (t *Tokenizer) Encode(text string) ([]int64, error) {
	if !utf8.ValidString(text) {
		return nil, ErrText
	}
	most := t.maxTokens - len(t.behind)
	ids := slices.Clone(t.before)
	for text != "" && len(ids) <= most {
		at, token := t.nextAdded(text)
		for word := range t.normalizer.words(text[:at]) {
			ids = t.appendWord(ids, word)
			if len(ids) > most {
				return nil, ErrTooLong
			}
		}
		if token == nil {
			break
		}
		ids = append(ids, token.ID)
		text = text[at+len(token.Content):]
	}
	if len(ids) > most {
		return nil, ErrTooLong
	}
	return append(ids, t.behind...), nil
}

// nextAdded finds the first added token, of several there the longest. Without
// one it is the end of text.
func (t *Tokenizer) nextAdded(text string) (at int, token *addedToken) {
	for at < len(text) {
		found := strings.IndexAny(text[at:], t.begins)
		if found < 0 {
			break
		}
		at += found
		for i, a := range t.added {
			if strings.HasPrefix(text[at:], a.Content) {
				return at, &t.added[i]
			}
		}
		at++
	}
	return len(text), nil
}

// appendWord does not ask for a word that is unknown for sure: what the
// vocabulary does not have takes the longest to find.
func (t *Tokenizer) appendWord(ids []int64, word string) []int64 {
	if utf8.RuneCountInString(word) > t.maxWord || !t.letters.spell(word) {
		return append(ids, t.unknown)
	}
	for _, id := range t.vocabulary.Encode(word) {
		ids = append(ids, int64(id))
	}
	return ids
}

// Check is for ids that came from elsewhere: they must be framed like those of a
// text, and ids of the vocabulary. Ids of another tokenizer hardly ever are. The
// error is ErrTooLong or ErrIDs.
func (t *Tokenizer) Check(ids []int64) error {
	before, behind := len(t.before), len(t.behind)
	if len(ids) > t.maxTokens {
		return ErrTooLong
	}
	if len(ids) < before+behind || !slices.Equal(ids[:before], t.before) || !slices.Equal(ids[len(ids)-behind:], t.behind) {
		return fmt.Errorf("%w: they do not begin and end with the model's special tokens", ErrIDs)
	}
	for _, id := range ids {
		if id < 0 || id >= t.size {
			return fmt.Errorf("%w: the vocabulary has no %d", ErrIDs, id)
		}
	}
	return nil
}
