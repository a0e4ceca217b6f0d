package convert

import (
	"context"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/sidecar"
)

const indexSuffix = ".index.json"

// Reindex is an index of shards as it is for what Convert made of them, under
// the name and in the layout that Hugging Face's converter gives it. Unlike
// that one's, it does not name tensors that a shard no longer holds because they
// share another's bytes.
func (c *Converter) Reindex(ctx context.Context, index formats.Input, lim formats.Limits, shard func(shard, tensor string) (string, bool)) (*formats.Conversion, error) {
	text, err := sidecar.MoveShards(ctx, index, lim, shard)
	if err != nil {
		return nil, err
	}
	return &formats.Conversion{
		File:      rename(strings.TrimSuffix(index.Name(), indexSuffix)) + indexSuffix,
		Parts:     []formats.Part{{Bytes: text}},
		Converter: Name,
	}, nil
}
