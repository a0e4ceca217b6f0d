package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"unicode/utf8"
)

// A definition is tokenizer.json as far as it decides the ids of one text.
type definition struct {
	Version      string          `json:"version"`
	Truncation   json.RawMessage `json:"truncation"` // of whoever saved it: a text that is too long is refused here
	Padding      json.RawMessage `json:"padding"`    // of whoever saved it: a batch is padded to its longest
	Decoder      json.RawMessage `json:"decoder"`    // the way back
	AddedTokens  []addedToken    `json:"added_tokens"`
	Normalizer   bertNormalizer  `json:"normalizer"`
	PreTokenizer struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	PostProcessor template  `json:"post_processor"`
	Model         wordPiece `json:"model"`
}

// An addedToken is found in the text as it was written, before it is normalized.
type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type bertNormalizer struct {
	Type               string `json:"type"`
	CleanText          bool   `json:"clean_text"`
	HandleChineseChars bool   `json:"handle_chinese_chars"`
	StripAccents       *bool  `json:"strip_accents"` // null: as lowercase
	Lowercase          bool   `json:"lowercase"`
}

// A template is what stands around the ids of a text.
type template struct {
	Type          string          `json:"type"`
	Single        []templatePiece `json:"single"`
	Pair          json.RawMessage `json:"pair"`
	SpecialTokens map[string]struct {
		ID     string   `json:"id"`
		IDs    []int64  `json:"ids"`
		Tokens []string `json:"tokens"`
	} `json:"special_tokens"`
}

type templatePiece struct {
	SpecialToken *struct {
		ID     string `json:"id"`
		TypeID int    `json:"type_id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID     string `json:"id"`
		TypeID int    `json:"type_id"`
	} `json:"Sequence"`
}

type wordPiece struct {
	Type                    string           `json:"type"`
	UnkToken                string           `json:"unk_token"`
	ContinuingSubwordPrefix string           `json:"continuing_subword_prefix"`
	MaxInputCharsPerWord    int              `json:"max_input_chars_per_word"`
	Vocab                   map[string]int64 `json:"vocab"`
}

// settings are what the other files say of the same.
type settings struct {
	config struct {
		MaxPositions int   `json:"max_position_embeddings"`
		VocabSize    int64 `json:"vocab_size"`
	}
	tokenizer struct {
		PadToken     string  `json:"pad_token"`
		MaxLength    float64 `json:"model_max_length"` // 1e30 means none
		Lowercase    *bool   `json:"do_lower_case"`
		Chinese      *bool   `json:"tokenize_chinese_chars"`
		StripAccents *bool   `json:"strip_accents"`
	}
	sentence struct {
		MaxLength int  `json:"max_seq_length"`
		Lowercase bool `json:"do_lower_case"`
	}
}

// readDefinition refuses a key that it does not know.
func readDefinition(content []byte) (*definition, error) {
	var d definition
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("%w: tokenizer.json: %w", ErrUnsupported, err)
	}
	return &d, nil
}

// readSettings needs config.json and tokenizer_config.json.
func readSettings(files fs.FS) (*settings, error) {
	var s settings
	for _, file := range []struct {
		name     string
		into     any
		optional bool
	}{
		{"config.json", &s.config, false},
		{"tokenizer_config.json", &s.tokenizer, false},
		{"sentence_bert_config.json", &s.sentence, true},
	} {
		content, err := fs.ReadFile(files, file.name)
		if file.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("tokenizer: %w", err)
		}
		if err := json.Unmarshal(content, file.into); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrUnsupported, file.name, err)
		}
	}
	return &s, nil
}

// maxTokens is the least that a file names, and that the position table has.
func (s *settings) maxTokens() int {
	most := s.config.MaxPositions
	if n := s.sentence.MaxLength; n > 0 {
		most = min(most, n)
	}
	if n := s.tokenizer.MaxLength; n > 0 && n < math.MaxInt32 {
		most = min(most, int(n))
	}
	return most
}

// check refuses what would come out otherwise than at the reference, and files
// that contradict each other.
func (d *definition) check(s *settings) error {
	n := d.Normalizer
	accents := n.StripAccents == nil || *n.StripAccents == n.Lowercase
	said := func(flag *bool, want bool) bool { return flag == nil || *flag == want }
	switch {
	case n.Type != "BertNormalizer" || !n.CleanText || !n.HandleChineseChars || !accents:
		return unsupported("the normalizer %s with these options", n.Type)
	case d.PreTokenizer.Type != "BertPreTokenizer":
		return unsupported("the pre-tokenizer %s", d.PreTokenizer.Type)
	case d.Model.Type != "WordPiece" || d.Model.ContinuingSubwordPrefix != "##" || d.Model.MaxInputCharsPerWord <= 0:
		return unsupported("the model %s with these options", d.Model.Type)
	case !said(s.tokenizer.Lowercase, n.Lowercase) || !said(s.tokenizer.Chinese, true) || !said(s.tokenizer.StripAccents, n.Lowercase):
		return unsupported("tokenizer_config.json contradicts the normalizer of tokenizer.json")
	case s.sentence.Lowercase && !n.Lowercase:
		return unsupported("sentence_bert_config.json contradicts the normalizer of tokenizer.json")
	}
	if _, ok := d.Model.Vocab[d.Model.UnkToken]; !ok {
		return unsupported("the vocabulary has no unk_token")
	}
	for token, id := range d.Model.Vocab {
		if id < 0 || id >= s.config.VocabSize {
			return unsupported("the id %d of %q is none of config.json's vocab_size %d", id, token, s.config.VocabSize)
		}
	}
	for _, token := range d.AddedTokens {
		if token.Content == "" || token.SingleWord || token.LStrip || token.RStrip || token.Normalized {
			return unsupported("the added token %q with these options", token.Content)
		}
		if id, ok := d.Model.Vocab[token.Content]; !ok || id != token.ID {
			return unsupported("the added token %q that the vocabulary does not have", token.Content)
		}
	}
	return nil
}

// frame is what stands before and behind the ids of a text.
func (d *definition) frame() (before, behind []int64, err error) {
	p := d.PostProcessor
	if p.Type != "TemplateProcessing" {
		return nil, nil, unsupported("the post-processor %s", p.Type)
	}
	texts := 0
	for _, piece := range p.Single {
		switch {
		case piece.Sequence != nil && piece.SpecialToken == nil && piece.Sequence.ID == "A" && piece.Sequence.TypeID == 0:
			texts++
		case piece.SpecialToken != nil && piece.Sequence == nil && piece.SpecialToken.TypeID == 0:
			ids := p.SpecialTokens[piece.SpecialToken.ID].IDs
			if len(ids) != 1 || ids[0] != d.Model.Vocab[piece.SpecialToken.ID] {
				return nil, nil, unsupported("the special token %q of the template", piece.SpecialToken.ID)
			}
			if texts == 0 {
				before = append(before, ids...)
			} else {
				behind = append(behind, ids...)
			}
		default:
			return nil, nil, unsupported("a piece of the template")
		}
	}
	if texts != 1 || len(before) == 0 || len(behind) == 0 {
		return nil, nil, unsupported("a template that does not frame one text")
	}
	return before, behind, nil
}

// words is the model alone, for go-huggingface: it counts bytes where the
// reference counts characters, and Encode has counted those.
func (d *definition) words() ([]byte, error) {
	model := d.Model
	model.MaxInputCharsPerWord *= utf8.UTFMax
	return json.Marshal(map[string]any{"model": model})
}

// letters are what tokens are made of, by where they stand in a word.
type letters struct{ first, later map[rune]bool }

func (d *definition) letters() letters {
	l := letters{map[rune]bool{}, map[rune]bool{}}
	for token := range d.Model.Vocab {
		rest, continues := strings.CutPrefix(token, d.Model.ContinuingSubwordPrefix)
		for i, r := range rest {
			if i == 0 && !continues {
				l.first[r] = true
			} else {
				l.later[r] = true
			}
		}
	}
	return l
}

// spell is false for a word that no tokens make up.
func (l letters) spell(word string) bool {
	for i, r := range word {
		if i == 0 && !l.first[r] || i > 0 && !l.later[r] {
			return false
		}
	}
	return true
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+strings.TrimSpace(format), append([]any{ErrUnsupported}, args...)...)
}
