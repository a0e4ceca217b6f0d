package graph

import "fmt"

// DistilBERT (https://arxiv.org/abs/1910.01108) as transformers' DistilBertModel
// computes it.
var distilBERT = family{
	modelType:     "distilbert",
	architectures: "DistilBert",
	prefix:        "distilbert.",
	embedding:     "embeddings.word_embeddings.weight",
	unused:        []string{"embeddings.position_ids"},
	heads:         []string{"vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "pre_classifier.", "classifier.", "qa_outputs."},
	read:          readDistilBERT,
}

// distilBERTEpsilon is not in its configs: transformers writes it into the code.
const distilBERTEpsilon = 1e-12

type distilBERTEncoder struct {
	dim, heads, layers, inner int64
	vocabulary, positions     int64
	activation                string
}

func readDistilBERT(c *config) encoder {
	d := &distilBERTEncoder{
		dim:        c.count("dim"),
		heads:      c.count("n_heads"),
		layers:     c.count("n_layers"),
		inner:      c.count("hidden_dim"),
		vocabulary: c.count("vocab_size"),
		positions:  c.count("max_position_embeddings"),
		activation: c.activation("activation"),
	}
	c.divides("n_heads", d.heads, d.dim)
	c.inert("dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout", "pad_token_id", "tie_weights_",
		"sinusoidal_pos_embds") // how the table of positions began; the trained one is a tensor
	return d
}

func (d *distilBERTEncoder) width() int64 { return d.dim }

func (d *distilBERTEncoder) compose(a *assembly) string {
	word := a.lookup("embeddings/word", "embeddings.word_embeddings", d.vocabulary, d.dim, a.ids)
	position := a.lookup("embeddings/position", "embeddings.position_embeddings", d.positions, d.dim, a.ordinals("embeddings/ordinals"))
	x := a.normalize("embeddings/normalized", "embeddings.LayerNorm", a.plus("embeddings/sum", word, position), d.dim, distilBERTEpsilon)
	x = a.flat("embeddings", x, d.dim)
	at := a.attention(d.dim, d.heads)
	for i := int64(0); i < d.layers && a.err == nil; i++ {
		x = d.layer(a, i, x, at)
	}
	return x
}

func (d *distilBERTEncoder) layer(a *assembly, i int64, x string, at attention) string {
	name, module := fmt.Sprintf("layer.%d", i), fmt.Sprintf("transformer.layer.%d.", i)
	at.query, at.key, at.value = module+"attention.q_lin", module+"attention.k_lin", module+"attention.v_lin"
	at.output = module + "attention.out_lin"
	x = a.plus(name+"/attention/residual", a.attend(name+"/attention", x, at), x)
	x = a.normalize(name+"/attention/normalized", module+"sa_layer_norm", x, d.dim, distilBERTEpsilon)
	fed := a.feed(name+"/feedforward", x, feedForward{
		width: d.dim, inner: d.inner, activation: d.activation,
		up: module + "ffn.lin1", down: module + "ffn.lin2",
	})
	x = a.plus(name+"/feedforward/residual", fed, x)
	return a.normalize(name, module+"output_layer_norm", x, d.dim, distilBERTEpsilon)
}
