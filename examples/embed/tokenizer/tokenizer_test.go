package tokenizer

import (
	_ "embed"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/gomlx/go-huggingface/tokenizers/api"
	"github.com/gomlx/go-huggingface/tokenizers/hftokenizer"
	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
)

//go:embed testdata/texts.json
var texts []byte

func TestEncodeAsTheReference(t *testing.T) {
	tokens, err := Open(os.DirFS(fetchtest.MiniLM(t)))
	require.NoError(t, err)
	require.Equal(t, 256, tokens.MaxTokens())
	require.Zero(t, tokens.Pad())
	var rows []struct {
		Text string
		IDs  []int64
	}
	require.NoError(t, json.Unmarshal(texts, &rows))
	require.Greater(t, len(rows), 200)
	long := 0
	for _, row := range rows {
		ids, err := tokens.Encode(row.Text)
		if len(row.IDs) > tokens.MaxTokens() {
			require.ErrorIs(t, err, ErrTooLong, "%q", row.Text)
			long++
			whole := *tokens
			whole.maxTokens = len(row.IDs)
			ids, err = whole.Encode(row.Text)
		}
		require.NoError(t, err, "%q", row.Text)
		require.Equal(t, row.IDs, ids, "%+q", row.Text)
	}
	require.Positive(t, long)
}

func TestEncodeHasALimit(t *testing.T) {
	tokens, err := Open(os.DirFS(fetchtest.MiniLM(t)))
	require.NoError(t, err)
	for _, c := range []struct {
		text string
		fits bool
	}{
		{strings.Repeat("word ", 254), true},
		{strings.Repeat("word ", 255), false},
		{strings.Repeat("[SEP]", 254), true},
		{strings.Repeat("[SEP]", 255), false},
		{strings.Repeat("word ", 253) + "[SEP]", true},
		{strings.Repeat("word ", 254) + "[SEP]", false},
		{strings.Repeat("word ", 1<<20), false},
		{strings.Repeat("\u0301", 1<<20), true},
	} {
		ids, err := tokens.Encode(c.text)
		if c.fits {
			require.NoError(t, err)
			require.LessOrEqual(t, len(ids), 256)
		} else {
			require.ErrorIs(t, err, ErrTooLong)
		}
	}
	_, err = tokens.Encode("a\xffb")
	require.ErrorIs(t, err, ErrText)
}

func TestCheck(t *testing.T) {
	tokens, err := Open(files(t, nil))
	require.NoError(t, err)
	for _, c := range []struct {
		ids  []int64
		want error
	}{
		{[]int64{2, 3}, nil},
		{[]int64{2, 5, 4, 3}, nil},
		{nil, ErrIDs},
		{[]int64{2}, ErrIDs},
		{[]int64{5, 4}, ErrIDs},
		{[]int64{2, 5}, ErrIDs},
		{[]int64{5, 3}, ErrIDs},
		{[]int64{2, 8, 3}, ErrIDs},
		{[]int64{2, -1, 3}, ErrIDs},
		{[]int64{2, 5, 5, 5, 5, 5, 5, 5, 3}, ErrTooLong},
	} {
		require.ErrorIs(t, tokens.Check(c.ids), c.want, "%v", c.ids)
	}
}

// files are those of a model with eight tokens, in which the first old of each
// pair was replaced.
func files(t testing.TB, replaced map[string][2]string) fs.FS {
	all := map[string]string{
		"tokenizer.json": `{"version":"1.0","truncation":null,"padding":null,"decoder":null,
			"added_tokens":[{"id":2,"content":"[CLS]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
			"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
			"pre_tokenizer":{"type":"BertPreTokenizer"},
			"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},
				{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],"pair":[],
				"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
			"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":4,
				"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"##b":4,"a":5,"é":6,"##é":7}}}`,
		"tokenizer_config.json":     `{"pad_token":"[PAD]","model_max_length":1000000000000000019884624838656,"do_lower_case":true,"strip_accents":null}`,
		"config.json":               `{"max_position_embeddings":16,"vocab_size":8}`,
		"sentence_bert_config.json": `{"max_seq_length":8,"do_lower_case":false}`,
	}
	tree := fstest.MapFS{}
	for name, text := range all {
		if pair, ok := replaced[name]; ok {
			require.Contains(t, text, pair[0])
			text = strings.Replace(text, pair[0], pair[1], 1)
		}
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

func TestOpenRefusesWhatWouldDiffer(t *testing.T) {
	for _, c := range []struct{ file, old, new string }{
		{"tokenizer.json", `"version"`, `"wersion"`},
		{"tokenizer.json", `{`, `[`},
		{"tokenizer.json", `"BertNormalizer"`, `"NFC"`},
		{"tokenizer.json", `"clean_text":true`, `"clean_text":false`},
		{"tokenizer.json", `"handle_chinese_chars":true`, `"handle_chinese_chars":false`},
		{"tokenizer.json", `"strip_accents":null`, `"strip_accents":false`},
		{"tokenizer.json", `"BertPreTokenizer"`, `"ByteLevel"`},
		{"tokenizer.json", `"WordPiece"`, `"Unigram"`},
		{"tokenizer.json", `"##"`, `""`},
		{"tokenizer.json", `"max_input_chars_per_word":4`, `"max_input_chars_per_word":0`},
		{"tokenizer.json", `"[UNK]":1`, `"[unk]":1`},
		{"tokenizer.json", `"##é":7`, `"##é":8`},
		{"tokenizer.json", `"##é":7`, `"##é":-1`},
		{"tokenizer.json", `"single_word":false`, `"single_word":true`},
		{"tokenizer.json", `"lstrip":false`, `"lstrip":true`},
		{"tokenizer.json", `"rstrip":false`, `"rstrip":true`},
		{"tokenizer.json", `"normalized":false`, `"normalized":true`},
		{"tokenizer.json", `{"id":2,"content":"[CLS]"`, `{"id":3,"content":"[CLS]"`},
		{"tokenizer.json", `"content":"[CLS]"`, `"content":""`},
		{"tokenizer.json", `"content":"[CLS]"`, `"content":"[cls]"`},
		{"tokenizer.json", `"TemplateProcessing"`, `"RobertaProcessing"`},
		{"tokenizer.json", `"type_id":0}},`, `"type_id":1}},`},
		{"tokenizer.json", `"ids":[2]`, `"ids":[4]`},
		{"tokenizer.json", `"ids":[2]`, `"ids":[]`},
		{"tokenizer.json", `{"Sequence":{"id":"A","type_id":0}},`, ``},
		{"tokenizer.json", `{"SpecialToken":{"id":"[CLS]","type_id":0}},`, ``},
		{"tokenizer.json", `{"Sequence":{"id":"A"`, `{"Sequence":{"id":"B"`},
		{"tokenizer_config.json", `"do_lower_case":true`, `"do_lower_case":false`},
		{"tokenizer_config.json", `"strip_accents":null`, `"strip_accents":false`},
		{"tokenizer_config.json", `"strip_accents":null`, `"tokenize_chinese_chars":false`},
		{"tokenizer_config.json", `"[PAD]"`, `"[pad]"`},
		{"tokenizer_config.json", `{`, `[`},
		{"config.json", `"max_position_embeddings":16`, `"max_position_embeddings":2`},
		{"config.json", `"max_position_embeddings":16`, `"hidden_size":16`},
		{"config.json", `"vocab_size":8`, `"vocab_size":7`},
	} {
		t.Run(c.old+" "+c.new, func(t *testing.T) {
			tokens, err := Open(files(t, map[string][2]string{c.file: {c.old, c.new}}))
			require.ErrorIs(t, err, ErrUnsupported)
			require.Nil(t, tokens)
		})
	}
}

func TestOpenCased(t *testing.T) {
	tree := files(t, map[string][2]string{
		"tokenizer.json":        {`"lowercase":true`, `"lowercase":false`},
		"tokenizer_config.json": {`"do_lower_case":true`, `"do_lower_case":false`},
	})
	tokens, err := Open(tree)
	require.NoError(t, err)
	ids, err := tokens.Encode("éé A aéb")
	require.NoError(t, err)
	require.Equal(t, []int64{2, 6, 7, 1, 5, 7, 4, 3}, ids)

	tree.(fstest.MapFS)["sentence_bert_config.json"].Data = []byte(`{"max_seq_length":8,"do_lower_case":true}`)
	_, err = Open(tree)
	require.ErrorIs(t, err, ErrUnsupported)
}

func TestOpenNeedsItsFiles(t *testing.T) {
	for name, optional := range map[string]bool{
		"tokenizer.json": false, "tokenizer_config.json": false, "config.json": false, "sentence_bert_config.json": true,
	} {
		tree := files(t, nil).(fstest.MapFS)
		delete(tree, name)
		tokens, err := Open(tree)
		if optional {
			require.NoError(t, err)
			require.Equal(t, 16, tokens.MaxTokens())
			continue
		}
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, name)
	}
}

// A word's limit counts characters; go-huggingface's own counts bytes.
func TestEncodeCountsCharacters(t *testing.T) {
	cased := files(t, map[string][2]string{
		"tokenizer.json":        {`"lowercase":true`, `"lowercase":false`},
		"tokenizer_config.json": {`"do_lower_case":true`, `"do_lower_case":false`},
	})
	tokens, err := Open(cased)
	require.NoError(t, err)
	four, err := tokens.Encode("éééé")
	require.NoError(t, err)
	require.Equal(t, []int64{2, 6, 7, 7, 7, 3}, four)
	five, err := tokens.Encode("ééééé")
	require.NoError(t, err)
	require.Equal(t, []int64{2, 1, 3}, five)
}

func FuzzEncode(f *testing.F) {
	tokens, err := Open(files(f, nil))
	require.NoError(f, err)
	content, err := fs.ReadFile(files(f, nil), "tokenizer.json")
	require.NoError(f, err)
	second, err := hftokenizer.NewFromContent(&api.Config{}, content)
	require.NoError(f, err)
	for _, seed := range []string{"", "abb", "[CLS]a", "a[CLS", "é\u0301", "aabbaabb abb", "\u200b[\u00adCLS]", "a\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tokens.Encode(text)
		if err != nil {
			require.Nil(t, ids)
			return
		}
		require.NoError(t, tokens.Check(ids)) // what we make, we take
		if strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
			var want []int64 // in ASCII the two do not differ
			for _, id := range second.Encode(text) {
				want = append(want, int64(id))
			}
			require.Equal(t, want, ids)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	tokens, err := Open(os.DirFS(fetchtest.MiniLM(b)))
	require.NoError(b, err)
	text := strings.Repeat("The gate admits what it verified, and nothing else. ", 16)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_, err := tokens.Encode(text)
		require.NoError(b, err)
	}
}
