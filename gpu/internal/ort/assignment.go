//go:build cgo && linux

package ort

// #include "shim.h"
import "C"

import "unsafe"

// Nodes are the nodes of the main graph and of all subgraphs, each with the
// provider that took it. The runtime records them after its basic optimizers
// folded and fused some, and before it inserts copies.
func (s *Session) Nodes() ([]Node, error) {
	var parts **C.OrtEpAssignedSubgraph
	var n C.size_t
	if err := check(C.ort_assignment(s.session, &parts, &n)); err != nil {
		return nil, err
	}
	var list []Node
	for _, part := range unsafe.Slice(parts, n) {
		nodes, err := nodesOf(part)
		if err != nil {
			return nil, err
		}
		list = append(list, nodes...)
	}
	return list, nil
}

func nodesOf(part *C.OrtEpAssignedSubgraph) ([]Node, error) {
	var provider *C.char
	var nodes **C.OrtEpAssignedNode
	var n C.size_t
	if err := check(C.ort_assigned(part, &provider, &nodes, &n)); err != nil {
		return nil, err
	}
	list := make([]Node, 0, n)
	for _, node := range unsafe.Slice(nodes, n) {
		var name, domain, op *C.char
		if err := check(C.ort_assigned_node(node, &name, &domain, &op)); err != nil {
			return nil, err
		}
		list = append(list, Node{
			Provider: C.GoString(provider), Name: C.GoString(name), Domain: C.GoString(domain), Operator: C.GoString(op),
		})
	}
	return list, nil
}
