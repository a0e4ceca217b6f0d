package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/foreign"
	"github.com/weightgate/weightgate/formats/sidecar"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

// judgeConversion is the report of a look under one decision. What was written
// must be all of the model: every file that holds weights or an index counts,
// whether or not something was made of it.
func judgeConversion(look *loader.Report, read func(name string) ([]byte, error)) (*loader.Report, error) {
	unwritten, err := unwrittenShards(look, read)
	if err != nil {
		return nil, err
	}
	r := *look
	r.Findings = slices.DeleteFunc(slices.Concat(look.Findings, disguised(look), unwritten), func(f formats.Finding) bool {
		return weightless(look, f)
	})
	return threshold(formats.High).judgeFindings(&r), nil
}

// weightless reports that a finding is about a file that holds neither weights
// nor an index, and has no name of either: a script, a text, a configuration.
func weightless(look *loader.Report, f formats.Finding) bool {
	facts := look.Facts().Inspect
	if facts == nil || named(f.File) {
		return false
	}
	kind, steers := facts.Sidecars[f.File]
	return steers && kind != sidecar.Index || f.Code == foreign.CodeScript
}

// disguised are files under a name of weights or of an index that are neither.
func disguised(look *loader.Report) []formats.Finding {
	facts := look.Facts().Inspect
	if facts == nil {
		return nil // it was not reached
	}
	told := map[string]bool{}
	for _, f := range look.Findings {
		told[f.File] = told[f.File] || slices.Contains([]formats.Code{loader.CodeNoWeights, loader.CodeAmbiguous, loader.CodeParser}, f.Code)
	}
	var found []formats.Finding
	for _, f := range look.Files {
		_, steers := facts.Sidecars[f.Name]
		if named(f.Name) && (f.Format == "" || steers && f.Format != sidecar.Index) && !told[f.Name] {
			found = append(found, policy.Codes().Finding(policy.CodeFormatUnknown, f.Name, 0, "its name is that of weights or an index, and it is neither"))
		}
	}
	return found
}

// named reports that checkpoints, or indexes of their shards, have such names.
func named(file string) bool {
	file = strings.ToLower(file)
	weights := []string{".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".safetensors"}
	return slices.Contains(weights, path.Ext(file)) || strings.HasSuffix(file, indexSuffix)
}

const indexSuffix = ".index.json"

// unwrittenShards are those that a written index names and that were not written
// with it: nothing could be made of them, or they are safetensors already.
func unwrittenShards(look *loader.Report, read func(name string) ([]byte, error)) ([]formats.Finding, error) {
	wrote := map[string]bool{}
	for _, e := range look.DerivedFiles {
		wrote[e.Name] = true
	}
	var found []formats.Finding
	for _, e := range look.DerivedFiles {
		if !strings.HasSuffix(e.Name, indexSuffix) {
			continue
		}
		text, err := read(e.Name)
		if err != nil {
			return nil, err
		}
		var index struct {
			Shards map[string]string `json:"weight_map"`
		}
		if err := json.Unmarshal(text, &index); err != nil {
			return nil, fmt.Errorf("%s: %w", formats.Quote(e.Name), err)
		}
		for _, shard := range slices.Compact(slices.Sorted(maps.Values(index.Shards))) {
			if full, ok := formats.SiblingName(e.Name, shard); !ok || !wrote[full] {
				found = append(found, sidecar.Formats()[0].Codes().Finding(sidecar.CodeIndexMissing, e.Name, 0,
					"shard %s was not written with it", formats.Quote(shard)))
			}
		}
	}
	return found, nil
}
