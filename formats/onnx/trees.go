package onnx

// maxTreeDepth bounds the trees of an ensemble. ONNX Runtime builds them by
// recursion while it creates a session; trainers stop far earlier.
const maxTreeDepth = 1000

// A treeNode is what tree ensembles call their nodes by.
type treeNode struct{ tree, node int64 }

// judgeTrees checks that the trees of a TreeEnsembleClassifier or
// TreeEnsembleRegressor end, and how deep they are. Branches may meet again, as
// those of LightGBM's sets do.
func (b *binder) judgeTrees(n *node) {
	var lists [4][]int64
	for i, name := range []string{"nodes_treeids", "nodes_nodeids", "nodes_truenodeids", "nodes_falsenodeids"} {
		a := n.attribute(name)
		if a == nil || a.typ != intsAttribute || a.ref != "" {
			b.fail(CodeTrees, n.at, "%s has no list %s of its own", n, name)
			return
		}
		lists[i] = a.ints
	}
	trees, nodes, yes, no := lists[0], lists[1], lists[2], lists[3]
	modes := n.attribute("nodes_modes")
	count := len(nodes)
	if modes == nil || modes.ref != "" || len(trees) != count || len(yes) != count || len(no) != count || len(modes.strings) != count {
		b.fail(CodeTrees, n.at, "%s has lists of nodes that differ in length", n)
		return
	}
	index := make(map[treeNode]int, count)
	for i := range nodes {
		index[treeNode{trees[i], nodes[i]}] = i
	}
	branches := make([][2]int, count)
	for i := range nodes {
		branches[i] = [2]int{-1, -1}
		for side, next := range [2]int64{yes[i], no[i]} {
			child, ok := index[treeNode{trees[i], next}]
			if ok && string(modes.strings[i]) != "LEAF" {
				branches[i][side] = child
			}
		}
	}
	depth, ends := deepest(branches)
	if len(index) < count || !ends || depth > maxTreeDepth {
		b.fail(CodeTrees, n.at, "%s has trees that have a node twice, do not end or are more than %d deep", n, maxTreeDepth)
	}
}

// deepest is how many nodes the longest path has; ends is false if one leads
// back to where it was. A branch of -1 is none.
func deepest(branches [][2]int) (depth int, ends bool) {
	parents := make([]int, len(branches))
	for _, children := range branches {
		for _, c := range children {
			if c >= 0 {
				parents[c]++
			}
		}
	}
	var ready []int // nodes whose depth is known
	for i, p := range parents {
		if p == 0 {
			ready = append(ready, i)
		}
	}
	depths := make([]int, len(branches)) // above the node
	for done := 0; done < len(ready); done++ {
		n := ready[done]
		depth = max(depth, depths[n]+1)
		for _, c := range branches[n] {
			if c < 0 {
				continue
			}
			depths[c] = max(depths[c], depths[n]+1)
			if parents[c]--; parents[c] == 0 {
				ready = append(ready, c)
			}
		}
	}
	return depth, len(ready) == len(branches)
}
