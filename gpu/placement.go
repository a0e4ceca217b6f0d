//go:build cgo && linux

package gpu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/onnx"
	"github.com/weightgate/weightgate/gpu/internal/ort"
)

// recordsAll reports whether a runtime's record of where nodes run has all of
// them. Older ones may leave out those that they cast to run them on the CPU.
func recordsAll(version string) bool {
	var major, minor int
	n, _ := fmt.Sscanf(version, "%d.%d.", &major, &minor)
	return n == 2 && (major > 1 || major == 1 && minor >= 30)
}

// cpuNodes are the nodes that compute floats on the CPU though the session was
// asked for d, as policies read them: Operator:name. A node that the graph does
// not have by that name, in brackets, and operator, or that is there twice, is one
// that the runtime made; it counts as floats, unless it only copies.
func cpuNodes(graph []onnx.Node, placed []ort.Node, d Device) ([]string, error) {
	_, cuda := d.cuda()
	if cuda && len(placed) == 0 {
		return nil, fmt.Errorf("%w: the runtime names no node: either it does not tell, or it left none to run", ErrPlacement)
	}
	ours := map[string]onnx.Node{} // by what is reported of them
	for _, n := range graph {
		ours[n.Operator+":"+n.Encoded()] = n
	}
	times := map[string]int{}
	for _, n := range placed {
		times[reported(n)]++
	}

	var found []string
	for _, n := range placed {
		name := reported(n)
		own, known := ours[name]
		switch {
		case n.Provider == ort.CUDAProvider && cuda, n.Provider == ort.CPUProvider && !cuda:
		case n.Provider != ort.CPUProvider:
			return nil, fmt.Errorf("%w: %s runs on %s", ErrPlacement, formats.Quote(name), formats.Quote(n.Provider))
		case known && !own.Floats && times[name] == 1, copies(n):
		case known:
			found = append(found, own.Operator+":"+own.Name)
		default:
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found, nil
}

// reported is a node as the runtime names it. A colon in a domain is none between
// the operator and the name.
func reported(n ort.Node) string {
	operator := n.Operator
	if n.Domain != "" {
		operator = n.Domain + "/" + operator
	}
	return strings.ReplaceAll(operator, ":", "_") + ":" + n.Name
}

// copies reports whether the runtime inserted the node to move a value between
// a device and the host; no pack has these operators.
func copies(n ort.Node) bool {
	return n.Domain == "" && (n.Operator == "MemcpyToHost" || n.Operator == "MemcpyFromHost")
}
