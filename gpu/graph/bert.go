package graph

import "fmt"

// BERT (https://arxiv.org/abs/1810.04805) as transformers' BertModel computes it.
var bert = family{
	modelType:     "bert",
	architectures: "Bert",
	prefix:        "bert.",
	embedding:     "embeddings.word_embeddings.weight",
	unused:        []string{"pooler.", "embeddings.position_ids"},
	heads:         []string{"cls.", "classifier.", "qa_outputs."},
	read: func(c *config) encoder {
		c.inert("pad_token_id") // steers training alone
		return readBERT(c)
	},
}

// A bertEncoder is the config of BERT, and of what is composed like it.
type bertEncoder struct {
	hidden, heads, layers, inner int64
	vocabulary, positions, types int64
	epsilon                      float32
	activation                   string
}

func readBERT(c *config) *bertEncoder {
	b := &bertEncoder{
		hidden:     c.count("hidden_size"),
		heads:      c.count("num_attention_heads"),
		layers:     c.count("num_hidden_layers"),
		inner:      c.count("intermediate_size"),
		vocabulary: c.count("vocab_size"),
		positions:  c.count("max_position_embeddings"),
		types:      c.count("type_vocab_size"),
		epsilon:    c.epsilon("layer_norm_eps"),
		activation: c.activation("hidden_act"),
	}
	c.divides("num_attention_heads", b.heads, b.hidden)
	c.inert("attention_probs_dropout_prob", "hidden_dropout_prob", "classifier_dropout",
		// of the pooler, in configs that come from Google's
		"directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type")
	return b
}

func (b *bertEncoder) width() int64 { return b.hidden }

func (b *bertEncoder) compose(a *assembly) string {
	return b.encode(a, a.ordinals("embeddings/ordinals"))
}

// encode composes the encoder over the positions of its tokens.
func (b *bertEncoder) encode(a *assembly, positions string) string {
	x := b.embed(a, positions)
	at := a.attention(b.hidden, b.heads)
	for i := int64(0); i < b.layers && a.err == nil; i++ {
		x = b.layer(a, i, x, at)
	}
	return x
}

// embed sums the embeddings of tokens, of their types and of their positions.
func (b *bertEncoder) embed(a *assembly, positions string) string {
	types := a.index("zero", 0)
	if b.types > 1 {
		types = a.beside("token_type_ids")
	}
	word := a.lookup("embeddings/word", "embeddings.word_embeddings", b.vocabulary, b.hidden, a.ids)
	typed := a.lookup("embeddings/type", "embeddings.token_type_embeddings", b.types, b.hidden, types)
	position := a.lookup("embeddings/position", "embeddings.position_embeddings", b.positions, b.hidden, positions)
	sum := a.plus("embeddings/sum", a.plus("embeddings/typed", word, typed), position)
	x := a.normalize("embeddings/normalized", "embeddings.LayerNorm", sum, b.hidden, b.epsilon)
	return a.flat("embeddings", x, b.hidden)
}

func (b *bertEncoder) layer(a *assembly, i int64, x string, at attention) string {
	name, module := fmt.Sprintf("layer.%d", i), fmt.Sprintf("encoder.layer.%d.", i)
	at.query, at.key, at.value = module+"attention.self.query", module+"attention.self.key", module+"attention.self.value"
	at.output = module + "attention.output.dense"
	x = a.plus(name+"/attention/residual", a.attend(name+"/attention", x, at), x)
	x = a.normalize(name+"/attention/normalized", module+"attention.output.LayerNorm", x, b.hidden, b.epsilon)
	fed := a.feed(name+"/feedforward", x, feedForward{
		width: b.hidden, inner: b.inner, activation: b.activation,
		up: module + "intermediate.dense", down: module + "output.dense",
	})
	x = a.plus(name+"/feedforward/residual", fed, x)
	return a.normalize(name, module+"output.LayerNorm", x, b.hidden, b.epsilon)
}
