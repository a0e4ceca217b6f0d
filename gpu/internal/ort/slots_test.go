//go:build cgo && linux

package ort

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weightgate/weightgate/formats"
)

// header is the directory of onnxruntime_c_api.h in onnxruntime_go's module.
func header(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(dir))
}

func compile(t *testing.T, defines ...string) (string, error) {
	t.Helper()
	cc, err := exec.Command("go", "env", "CC").Output()
	require.NoError(t, err)
	args := append(strings.Fields(string(cc))[1:], "-fsyntax-only", "-std=c11", "-I", header(t), "-I", ".")
	args = append(args, defines...)
	out, err := exec.Command(strings.Fields(string(cc))[0], append(args, filepath.Join("testdata", "slots.c"))...).CombinedOutput()
	return string(out), err
}

func TestSlotsAgreeWithTheHeader(t *testing.T) {
	out, err := compile(t, "-DSHIFT=0", "-DRESULT(r)=r")
	require.NoError(t, err, out)
}

func TestSlotsCheckCanFail(t *testing.T) {
	for _, c := range []struct{ name, shift, result, says string }{
		{"every position off by one", "1", "r", "position"},
		{"every result another type", "0", "struct other", "type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := compile(t, "-DSHIFT="+c.shift, "-DRESULT(r)="+c.result)
			require.Error(t, err)
			require.Contains(t, out, "Run: "+c.says)
		})
	}
}

// The numbers of element types, by the order in which the header lists them.
func TestElementsAgreeWithTheHeader(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(header(t), "onnxruntime_c_api.h"))
	require.NoError(t, err)
	names := regexp.MustCompile(`ONNX_TENSOR_ELEMENT_DATA_TYPE_(\w+),`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, names, 26)

	ours := map[string]formats.DType{
		"FLOAT": formats.F32, "UINT8": formats.U8, "INT8": formats.I8, "UINT16": formats.U16, "INT16": formats.I16,
		"INT32": formats.I32, "INT64": formats.I64, "BOOL": formats.Bool, "FLOAT16": formats.F16, "DOUBLE": formats.F64,
		"UINT32": formats.U32, "UINT64": formats.U64, "COMPLEX64": formats.C64, "COMPLEX128": formats.C128,
		"BFLOAT16": formats.BF16, "FLOAT8E4M3FN": formats.F8E4M3, "FLOAT8E4M3FNUZ": formats.F8E4M3FNUZ,
		"FLOAT8E5M2": formats.F8E5M2, "FLOAT8E5M2FNUZ": formats.F8E5M2FNUZ, "UINT4": formats.U4, "INT4": formats.I4,
		"FLOAT4E2M1": formats.F4, "UINT2": formats.U2, "INT2": formats.I2,
	}
	for number, name := range names {
		want := ours[name[1]] // none for UNDEFINED and STRING
		require.Equal(t, want, dtype(uint32(number)), name[1])
		if want != formats.UnknownDType {
			require.Equal(t, uint32(number), element(want), name[1])
		}
	}
	require.Zero(t, element(formats.F8E8M0), "the runtime has no such type")
	require.Zero(t, element(formats.DType(255)))
}
