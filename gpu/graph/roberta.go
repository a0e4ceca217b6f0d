package graph

// RoBERTa (https://arxiv.org/abs/1907.11692) is BERT with positions that count
// from behind the id of the padding token, and leave padding out. XLM-RoBERTa
// (https://arxiv.org/abs/1911.02116) and CamemBERT
// (https://arxiv.org/abs/1911.03894) are RoBERTa, trained otherwise.
var (
	roberta = family{
		modelType: "roberta", architectures: "Roberta", prefix: "roberta.", embedding: bert.embedding,
		unused: bert.unused, heads: robertaHeads, read: readRoBERTa,
	}
	xlmRoBERTa = family{
		modelType: "xlm-roberta", architectures: "XLMRoberta", prefix: "roberta.", embedding: bert.embedding,
		unused: bert.unused, heads: robertaHeads, read: readRoBERTa,
	}
	camemBERT = family{
		modelType: "camembert", architectures: "Camembert", prefix: "roberta.", embedding: bert.embedding,
		unused: bert.unused, heads: robertaHeads, read: readRoBERTa,
	}
	robertaHeads = []string{"lm_head.", "classifier.", "qa_outputs."}
)

type robertaEncoder struct {
	*bertEncoder
	padding int64 // the id of the padding token
}

func readRoBERTa(c *config) encoder {
	r := &robertaEncoder{bertEncoder: readBERT(c)}
	r.padding = c.within("pad_token_id", 0, r.vocabulary-1)
	if r.padding >= r.positions {
		c.fail(ErrConfig, "pad_token_id", "%d is no row of a table of %d positions", r.padding, r.positions)
	}
	return r
}

// compose counts positions as transformers' create_position_ids_from_input_ids
// does: from the ids, not from the mask.
func (r *robertaEncoder) compose(a *assembly) string {
	padding := a.index("padding", r.padding)
	isPadding := a.add("positions/is_padding", "Equal", []string{a.ids, padding})
	isToken := a.add("positions/is_token", "Cast", []string{a.add("positions/not_padding", "Not", []string{isPadding})}, integer("to", int64Type))
	count := a.add("positions/count", "CumSum", []string{isToken, a.index("one", 1)})
	ordinals := a.add("positions/ordinals", "Mul", []string{count, isToken})
	return r.encode(a, a.plus("positions", ordinals, padding))
}
