package onnx

import "math"

// A tree takes at most treePerByte bytes of memory for each byte of its file,
// or smallTree, and never more than MaxHeader: few bytes must not stand for many
// structures. Graphs of convolutions with short names take twenty for each byte of
// their own, and have few nodes.
const (
	treePerByte = 8
	smallTree   = 32 << 20
)

// What the parts of a tree take, about, beside their bytes: themselves, what
// binding and folding know of them, and the pointers to them with the room that
// append leaves.
const (
	graphCost     = 512 // or a function
	nodeCost      = 256
	attributeCost = 288
	tensorCost    = 320
	valueCost     = 320
	nameCost      = 96  // an input or output of a node
	mapCost       = 384 // of a few entries
	partCost      = 64  // anything smaller
)

// room is how many bytes a tree may take.
func room(fileSize, maxHeader int64) int64 {
	return min(maxHeader, max(treePerByte*min(fileSize, math.MaxInt64/treePerByte), smallTree))
}

// keep accounts for n bytes that a caller is about to keep.
func (w *wire) keep(n int64) bool {
	if w.err != nil {
		return false
	}
	if n > w.room {
		w.fail(CodeLimit, w.pos, "the graph takes more than %d bytes of memory beside its weights: MaxHeader, or %d for each byte of the file",
			room(w.in.Size(), w.lim.MaxHeader), treePerByte)
		return false
	}
	w.room -= n
	return true
}
