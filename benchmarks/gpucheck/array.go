package main

import (
	"encoding/binary"
	"fmt"
	"math"
)

// An array is an input or an output of a session, with little-endian elements,
// as it travels between processes.
type array struct {
	Name    string  `json:"name"`
	Integer bool    `json:"integer"` // int64, else float32
	Shape   []int64 `json:"shape"`
	Data    []byte  `json:"data"`
}

func integers(name string, values []int64, shape ...int64) array {
	a := array{Name: name, Integer: true, Shape: shape}
	for _, v := range values {
		a.Data = binary.LittleEndian.AppendUint64(a.Data, uint64(v))
	}
	return a
}

func floats(name string, values []float32, shape ...int64) array {
	a := array{Name: name, Shape: shape}
	for _, v := range values {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(v))
	}
	return a
}

func (a array) integers() []int64 {
	values := make([]int64, len(a.Data)/8)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(a.Data[8*i:]))
	}
	return values
}

func (a array) floats() []float32 {
	values := make([]float32, len(a.Data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*i:]))
	}
	return values
}

// waves are n numbers between -1 and 1, the same each time.
func waves(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(math.Sin(float64(i) * 12.9898))
	}
	return values
}

// An agreement is how far outputs are from those that they are held against.
type agreement struct {
	Values   int     `json:"values"`
	Largest  float64 `json:"largest"`  // absolute value among those held against
	Absolute float64 `json:"absolute"` // largest difference
	Relative float64 `json:"relative"` // Absolute by Largest
}

// compare is an error where the outputs differ in more than their numbers: in
// count or shape, in an element that is no number, or if all of want is zero,
// which is what lost weights give.
func compare(got, want []array) (agreement, error) {
	var a agreement
	if len(got) != len(want) || len(want) == 0 {
		return a, fmt.Errorf("%d outputs, not %d", len(got), len(want))
	}
	for i := range want {
		if fmt.Sprint(got[i].Shape) != fmt.Sprint(want[i].Shape) || len(got[i].Data) != len(want[i].Data) || got[i].Integer || want[i].Integer {
			return agreement{}, fmt.Errorf("output %d is %v, not %v floats", i, got[i].Shape, want[i].Shape)
		}
		theirs := want[i].floats()
		for k, v := range got[i].floats() {
			d := math.Abs(float64(v) - float64(theirs[k]))
			if math.IsNaN(d) || math.IsInf(d, 0) {
				return agreement{}, fmt.Errorf("output %d has %v where %v is expected, at %d", i, v, theirs[k], k)
			}
			a.Absolute = max(a.Absolute, d)
			a.Largest = max(a.Largest, math.Abs(float64(theirs[k])))
			a.Values++
		}
	}
	if a.Largest == 0 {
		return agreement{}, fmt.Errorf("all of %d values are zero", a.Values)
	}
	a.Relative = a.Absolute / a.Largest
	return a, nil
}
