package plan

import (
	"syscall"

	"github.com/weightgate/weightgate/formats/pickle/machine"
	"github.com/weightgate/weightgate/formats/torch/grammar"
)

// answer tells the lie that the job's root names, about what the honest child
// found. It stands in the place of the honest one in a helper of the tests.
func answer(input []byte) []byte {
	job, stream, _ := decodeJob(input)
	lie := job.Root
	job.Root = ""
	truth := honest(append(job.Append(nil), stream...))
	if does, ok := misdeeds[lie]; ok {
		return does(truth)
	}
	c, err := Read(truth, MaxEntries)
	if err != nil {
		return truth
	}
	lies[lie](c)
	frames, _ := Encode(c)
	return frames
}

var lies = map[string]func(*grammar.Checkpoint){
	"none":        func(*grammar.Checkpoint) {},
	"offset":      func(c *grammar.Checkpoint) { c.Tensors[0].Offset += 1 << 40 },
	"stride":      func(c *grammar.Checkpoint) { c.Tensors[0].Strides[0] += 1 << 40 },
	"elements":    func(c *grammar.Checkpoint) { c.Storages[0].Elements++ },
	"key":         func(c *grammar.Checkpoint) { c.Storages[0].Key = "../0" },
	"another key": func(c *grammar.Checkpoint) { c.Storages[0].Key = c.Storages[1].Key },
	"name":        func(c *grammar.Checkpoint) { c.Tensors[0].Name = "a\x1b[2J" },
	"swapped": func(c *grammar.Checkpoint) { // within all bounds
		c.Tensors[0].Name, c.Tensors[1].Name = c.Tensors[1].Name, c.Tensors[0].Name
	},
	"name twice": func(c *grammar.Checkpoint) { c.Tensors[0].Name = c.Tensors[1].Name },
	"type":       func(c *grammar.Checkpoint) { c.Tensors[0].DType = 99 },
	"form":       func(c *grammar.Checkpoint) { c.Form = grammar.Legacy },
	"amplified": func(c *grammar.Checkpoint) {
		t := &c.Tensors[0]
		t.Shape, t.Strides = []int64{1 << 40}, []int64{0}
	},
	"overlapping": func(c *grammar.Checkpoint) {
		s := c.Storages[0]
		half := grammar.Tensor{Name: "half", DType: s.DType, Shape: []int64{s.Elements - 1}, Strides: []int64{1}}
		c.Tensors = []grammar.Tensor{half, half}
		c.Tensors[1].Name, c.Tensors[1].Offset = "other half", 1
	},
	"many": func(c *grammar.Checkpoint) {
		for range 1 << 18 {
			c.Tensors = append(c.Tensors, grammar.Tensor{})
		}
	},
	"finding": func(c *grammar.Checkpoint) {
		c.Findings = append(c.Findings, machine.Finding{Code: "all.is.well"})
	},
}

// flood is a plan of one frame over and over, as often as there may be frames.
func flood(kind uint8, fill func(w *writer)) []byte {
	e := encoder{fits: true}
	e.frame(frameCheckpoint, func(w *writer) {
		w.u8(uint8(grammar.Zip))
		w.u32(2)
		w.str("")
		w.i64(0)
		w.u8(0)
	})
	var frame writer
	frame.u8(kind)
	fill(&frame)
	const n = MaxEntries - 2
	for range n {
		e.out.str(string(frame)) // stands behind its length too
	}
	var done writer
	done.u8(frameDone)
	for k := uint8(frameStorage); k < frameDone; k++ {
		if k == kind {
			done.u32(n)
			continue
		}
		done.u32(0)
	}
	e.out.str(string(done))
	return e.out
}

const hidden = "\x1b[2J\x1b[2J\x1b[2J"

var misdeeds = map[string]func(truth []byte) []byte{
	"nothing": func([]byte) []byte { return nil },
	"half":    func(truth []byte) []byte { return truth[:len(truth)/2] },
	"twice":   func(truth []byte) []byte { return append(truth, truth...) },
	"counts":  func(truth []byte) []byte { truth[len(truth)-1]++; return truth },
	"uses": func([]byte) []byte {
		return flood(frameUse, func(w *writer) { w.text(hidden); w.i64(0); w.u8(0) })
	},
	"findings": func([]byte) []byte {
		return flood(frameFinding, func(w *writer) { w.text("pickle.findings"); w.i64(0); w.text(hidden) })
	},
	"dropped": func([]byte) []byte {
		return flood(frameDropped, func(w *writer) { w.text(hidden); w.text(hidden); w.i64(0) })
	},
	"endless": func([]byte) []byte { return make([]byte, MaxOutput+1) },
	"unable":  func([]byte) []byte { return EncodeError(&machine.Error{Code: CodeJob, Detail: "another version"}) },
	"open":    func([]byte) []byte { syscall.Open("/etc/passwd", syscall.O_RDONLY, 0); return nil },
	"crash":   func([]byte) []byte { panic("\x1b[2J") },
	"sleep": func([]byte) []byte {
		for {
			syscall.Nanosleep(&syscall.Timespec{Sec: 10}, nil)
		}
	},
	"memory": func([]byte) []byte {
		var kept [][]byte
		for {
			block := make([]byte, 16<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			kept = append(kept, block)
		}
	},
}
