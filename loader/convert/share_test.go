package convert

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// What becomes of tensors that share a storage of six numbers. Where the
// reference decides it is followed; what it refuses is said here.
func TestShared(t *testing.T) {
	type tensors = []grammar.Tensor
	part := func(name string, offset int64, shape ...int64) grammar.Tensor {
		strides := make([]int64, len(shape))
		next := int64(1)
		for i := len(shape) - 1; i >= 0; i-- {
			strides[i] = next
			next *= shape[i]
		}
		return grammar.Tensor{Name: name, DType: grammar.F32, Shape: shape, Strides: strides, Offset: offset}
	}
	transposed := grammar.Tensor{Name: "t", DType: grammar.F32, Shape: []int64{3, 2}, Strides: []int64{1, 3}}
	negated := part("neg", 0, 6)
	negated.Neg = true
	for _, c := range []struct {
		name    string
		tensors tensors
		want    map[string]string // removed and kept
		code    formats.Code
	}{
		{"tied: the first name is kept", tensors{part("b", 0, 2, 3), part("a", 0, 2, 3), part("c", 0, 2, 3)}, map[string]string{"b": "a", "c": "a"}, ""},
		{"names in order of their bytes", tensors{part("é", 0, 6), part("z", 0, 6), part("Z", 0, 6)}, map[string]string{"z": "Z", "é": "Z"}, ""},
		{"the metadata's own key", tensors{part("a", 0, 6), part("format", 0, 6)}, map[string]string{}, ""},
		{"another shape of all of it", tensors{part("b", 0, 2, 3), part("a", 0, 6)}, map[string]string{"b": "a"}, CodeMerged},
		{"a part of what is there as a whole", tensors{part("a", 2, 3), part("whole", 0, 6)}, map[string]string{"a": "whole"}, CodeMerged},
		{"nothing within the whole", tensors{part("none", 2, 0), part("whole", 0, 6)}, nil, ""},
		{"nothing at its beginning", tensors{part("none", 0, 0), part("whole", 0, 6)}, nil, ""},
		{"parts side by side", tensors{part("a", 0, 3), part("b", 3, 3)}, nil, ""},
		{"a single part: the reference fails", tensors{part("a", 1, 3)}, nil, ""},
		{"overlapping parts", tensors{part("a", 0, 3), part("b", 2, 3)}, nil, CodeShared},
		{"a part twice", tensors{part("a", 0, 3), part("b", 0, 3)}, nil, CodeShared},
		{"transposed: the reference fails", tensors{part("a", 0, 2, 3), transposed}, nil, ""},
		{"negated: the reference writes the values of another", tensors{part("a", 0, 6), negated}, nil, ""},
		// The reference compares with the end of the last area, not with the farthest.
		{"behind a short part", tensors{part("whole", 0, 6), part("a", 1, 1), part("b", 3, 1)}, map[string]string{"a": "whole"}, CodeMerged},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := single(grammar.F32, 6, 0, nil, nil)
			s.cp.Tensors = c.tensors
			out, findings := s.derive(t)
			if c.code != "" {
				require.Equal(t, []formats.Code{c.code}, codesOf(findings))
			} else {
				require.Empty(t, findings)
			}
			if c.code == CodeShared {
				require.Empty(t, out)
				return
			}
			want := map[string]string{"format": "pt"}
			for removed, kept := range c.want {
				want[removed] = kept
			}
			require.Equal(t, want, headerOf(t, out).Metadata)
			if c.name != "the metadata's own key" {
				require.Equal(t, len(c.tensors)-len(c.want), requireSame(t, s, out))
			}
		})
	}
}

// However often a large tensor is tied, it is written once.
func TestTiedOften(t *testing.T) {
	s := single(grammar.U8, headroom, 0, []int64{headroom}, []int64{1})
	for i := range 3 * amplification {
		tied := s.cp.Tensors[0]
		tied.Name = string(rune('A' + i))
		s.cp.Tensors = append(s.cp.Tensors, tied)
	}
	out, findings := s.derive(t)
	require.Empty(t, findings)
	require.Less(t, len(out), headroom+1<<16)
}
