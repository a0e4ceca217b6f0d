package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weightgate/weightgate/benchmarks/internal/graphs"
	"github.com/weightgate/weightgate/benchmarks/results"
	"github.com/weightgate/weightgate/policy"
)

// A check holds the sessions of one device against the CPU's.
type check struct {
	device    string
	rounds    int
	large     graphs.Graph
	files     files
	libraries []string // directories in which the processes of sessions find libraries
	scratch   string
	progress  io.Writer

	policy, lock string
	warmUp       workload
	probes       []workload
}

// run makes the models that are made, and takes all there is to take. What
// fails is in the report; an error is what kept the check from being made.
func (c *check) run(ctx context.Context, r *report) error {
	if err := makeModels(c.scratch, c.large); err != nil {
		return err
	}
	models := measured(c.files.models, c.scratch, c.large)
	c.probes = probes(c.scratch)
	c.warmUp = c.probe(modelWarmUp)
	everything := slices.Concat(models, c.probes)
	c.policy = policyFor(c.device, everything)
	var err error
	if c.lock, err = lockFor(ctx, c.files, everything); err != nil {
		return err
	}
	for line := range strings.Lines(c.lock) {
		if strings.HasPrefix(line, "library ") {
			r.Libraries = append(r.Libraries, strings.TrimSpace(line))
		}
	}
	for _, w := range models {
		fmt.Fprintf(c.progress, "%s\n", w.Title)
		found, version, err := c.compare(ctx, w)
		if err != nil {
			return err
		}
		r.Runtime = version
		r.Workloads = append(r.Workloads, found)
	}
	refusals, err := c.refusals(models)
	if err != nil {
		return err
	}
	for _, refusal := range refusals {
		fmt.Fprintf(c.progress, "%s\n", refusal.what)
		v, err := c.judge(ctx, refusal)
		if err != nil {
			return err
		}
		r.Refusals = append(r.Refusals, v)
	}
	return nil
}

func (c *check) probe(name string) workload {
	return c.probes[slices.IndexFunc(c.probes, func(w workload) bool { return w.Name == name })]
}

// on is the job of a model's session through the gate.
func (c *check) on(device string, w workload) job {
	return job{
		Way: throughGate, Device: device, Model: w, WarmUp: c.warmUp,
		Library: c.files.library, Providers: c.files.providers, Policy: c.policy, Lock: c.lock,
	}
}

// compare takes the reference on the CPU, and then rounds of both ways on the
// device, each round beginning with another way.
func (c *check) compare(ctx context.Context, w workload) (comparison, string, error) {
	reference := c.on(deviceCPU, w)
	if w.Build {
		reference.Build = w.Graph
	}
	want, err := reference.inChild(ctx, c.libraries)
	if err == nil && want.Error != "" {
		err = fmt.Errorf("%s on the CPU: %s", w.Name, want.Error)
	}
	if err != nil {
		return comparison{}, "", err
	}
	found := comparison{Name: w.Name, Title: w.Title, Tolerance: w.Tolerance, Rounds: c.rounds}
	if found.Bytes, err = sizeOf(w); err != nil {
		return comparison{}, "", err
	}
	paths, gate := c.on(c.device, w), c.on(c.device, w)
	paths.Way = byPath
	for _, o := range want.Outputs {
		paths.Outputs = append(paths.Outputs, o.Name)
	}
	taken := map[string][]answer{}
	for round := range c.rounds {
		jobs := []job{paths, gate}
		if round%2 == 1 {
			slices.Reverse(jobs)
		}
		for _, j := range jobs {
			a, err := j.inChild(ctx, c.libraries)
			if err != nil {
				return comparison{}, "", err
			}
			if a.Error != "" {
				found.Failure = fmt.Sprintf("%s: %s", j.Way, a.Error)
				return found, want.Runtime, nil
			}
			taken[j.Way] = append(taken[j.Way], a)
		}
	}
	found.add(want.Outputs, taken[byPath], taken[throughGate])
	return found, want.Runtime, nil
}

// add holds what the rounds gave against the reference.
func (c *comparison) add(want []array, paths, gate []answer) {
	for _, a := range gate {
		got, err := compare(a.Outputs, want)
		if err != nil {
			c.Failure = err.Error()
			return
		}
		if got.Relative >= c.FromCPU.Relative {
			c.FromCPU = got
		}
	}
	for i := range gate {
		apart, err := compare(gate[i].Outputs, paths[i].Outputs)
		if err != nil {
			c.Failure = "against the way by path: " + err.Error()
			return
		}
		if apart.Relative >= c.FromPath.Relative {
			c.FromPath = apart
		}
	}
	if far := max(c.FromCPU.Relative, c.FromPath.Relative); far > c.Tolerance {
		c.Failure = fmt.Sprintf("the outputs differ by %.2g of the largest, which may be %.2g", far, c.Tolerance)
	}
	c.Path, c.Gate, c.Phases = timesOf(paths), timesOf(gate), gate[len(gate)-1].Phases
	var ratios []float64
	for i := range gate {
		ratios = append(ratios, paths[i].Seconds/gate[i].Seconds)
	}
	c.Ratio = results.SpreadOf(ratios)
}

func timesOf(answers []answer) (t times) {
	var start, seconds []float64
	for _, a := range answers {
		start, seconds = append(start, a.Start), append(seconds, a.Seconds)
		t.Peak = max(t.Peak, a.Peak)
	}
	t.Start, t.Seconds = results.SpreadOf(start), results.SpreadOf(seconds)
	return t
}

// sizeOf is the bytes of the model's files that are loaded.
func sizeOf(w workload) (n int64, err error) {
	err = filepath.Walk(w.Dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			name, _ := filepath.Rel(w.Dir, path) // path lies beneath it
			if w.Name != modelMiniLM || slices.Contains(miniLMFiles(), filepath.ToSlash(name)) {
				n += info.Size()
			}
		}
		return err
	})
	return n, err
}

// A refusal is a job that must not succeed, or not in whole.
type refusal struct {
	what   string
	job    job
	fails  func(answer) error // that it failed as it should
	exists bool               // false: this device has nothing of the kind
}

func (c *check) refusals(models []workload) ([]refusal, error) {
	cuda := c.device == deviceCUDA
	large := models[slices.IndexFunc(models, func(w workload) bool { return w.Name == modelLarge })]

	elsewhere := c.on(c.device, c.probe(modelElsewhere))
	elsewhere.WarmUp = workload{}
	changed, err := c.changed()
	if err != nil {
		return nil, err
	}
	excess := c.on(c.device, c.probe(modelZeros))
	excess.Excess = []array{integers("x", []int64{1 << 46}, 1)} // 256 TiB
	little := c.on(c.device, large)
	little.WarmUp, little.Memory = workload{}, max(1, c.large.Bytes()/2)
	fallback := c.on(c.device, c.probe(modelFallback))

	return []refusal{
		{"a device that the policy does not allow is refused", elsewhere, refused(policy.CodeSessionDevice), true},
		{"a library whose digest is not the one in the lock is refused", changed, refused(policy.CodeLibraryChanged), true},
		{"a run that asks for more memory than there is gives an error, and the next run succeeds", excess, survived, true},
		{"a session that needs more device memory than its limit gives an error", little, failed, cuda},
		{"the graph with an operator that CUDA lacks runs on the CPU", c.on(deviceCPU, c.probe(modelFallback)), succeeded, true},
		{"and a CUDA session of it is refused, and does not fall back to the CPU", fallback, refused(policy.CodeSessionFallback), cuda},
	}, nil
}

// judge does a refusal's job.
func (c *check) judge(ctx context.Context, r refusal) (verdict, error) {
	v := verdict{What: r.what}
	if !r.exists {
		v.Skipped = true
		return v, nil
	}
	a, err := r.job.inChild(ctx, c.libraries)
	if err != nil {
		v.Failure = err.Error() // a process that died is what this looks for
		return v, nil
	}
	v.Said = a.Error
	if a.Excess != "" {
		v.Said = a.Excess
	}
	if err := r.fails(a); err != nil {
		v.Failure = err.Error()
	}
	return v, nil
}

// changed is a job with a copy of a library that works, under its name, and has
// another digest: of the first provider, or of the core that has none.
func (c *check) changed() (job, error) {
	j := c.on(c.device, c.warmUp)
	j.WarmUp, j.Providers = workload{}, slices.Clone(j.Providers)
	library := &j.Library
	if len(j.Providers) > 0 {
		library = &j.Providers[0]
	}
	b, err := os.ReadFile(*library)
	if err != nil {
		return job{}, err
	}
	dir := filepath.Join(c.scratch, "changed")
	*library = filepath.Join(dir, filepath.Base(*library))
	return j, errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(*library, append(b, 0), 0o644))
}

func refused[C ~string](codes ...C) func(answer) error {
	return func(a answer) error {
		for _, code := range codes {
			if slices.Contains(a.Codes, string(code)) {
				return nil
			}
		}
		return fmt.Errorf("it was to be refused by %v, and: %s", codes, orSuccess(a.Error))
	}
}

func failed(a answer) error {
	if !a.Memory {
		return fmt.Errorf("it was to fail for want of memory, and: %s", orSuccess(a.Error))
	}
	return nil
}

func succeeded(a answer) error {
	if a.Error != "" {
		return fmt.Errorf("it failed: %s", a.Error)
	}
	return nil
}

// survived is a run that failed and one that then gave its zeros.
func survived(a answer) error {
	switch {
	case a.Error != "":
		return fmt.Errorf("it failed: %s", a.Error)
	case !a.Memory:
		return fmt.Errorf("it was to fail for want of memory, and: %s", a.Excess)
	}
	zeros := [][]float32{make([]float32, zerosAsked)}
	var given [][]float32
	for _, output := range a.Outputs {
		given = append(given, output.floats())
	}
	if !slices.EqualFunc(given, zeros, slices.Equal) {
		return fmt.Errorf("the next run was to give %d zeros, and gave %v", zerosAsked, given)
	}
	return nil
}

func orSuccess(text string) string {
	if text == "" {
		return "it succeeded"
	}
	return text
}
