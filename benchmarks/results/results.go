// Package results is what a run of the benchmarks found: the file that it
// leaves, and what the file's numbers mean.
package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Run is one run of all benchmarks on one machine.
type Run struct {
	Date    time.Time `json:"date"`
	Commit  string    `json:"commit"`
	Dirty   bool      `json:"dirty"`            // the tree had changes that the commit has not
	Quick   bool      `json:"quick"`            // small models and few rounds: for a look, not for a claim
	Rounds  int       `json:"rounds,omitempty"` // of every table, where the usual numbers of them were not taken
	Machine Machine   `json:"machine"`
	Peers   []Peer    `json:"peers"`
	Tables  []Table   `json:"tables"`
	Skipped []Skipped `json:"skipped,omitempty"`
}

// A Machine is what a run was measured on.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"` // in bytes
	Kernel string `json:"kernel"`
	Disk   string `json:"disk"` // of the directory of the models
	Go     string `json:"go"`
}

// A Peer is a program of others that was measured, or why it was not.
type Peer struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // in its own words
	Without string `json:"without,omitempty"` // the reason for which it was left out
}

// Skipped is what a run could not measure, and why.
type Skipped struct {
	Name string `json:"name"` // of a table
	Why  string `json:"why"`
}

// A Workload is a model that was measured.
type Workload struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// A Table is ways that were measured side by side on one workload.
type Table struct {
	Name      string   `json:"name"` // of the benchmark
	Title     string   `json:"title"`
	Workload  Workload `json:"workload"`
	Cache     string   `json:"cache"` // Warm or Cold
	Cores     int      `json:"cores"`
	Rounds    int      `json:"rounds"`
	Samples   int      `json:"samples"`
	Disturbed int      `json:"disturbed"` // samples beside which others were busy, for want of better ones
	Rows      []Row    `json:"rows"`
	Ratios    []Ratio  `json:"ratios"`
	Bounds    []Bound  `json:"bounds"`
}

// Whether the page cache had the files when a sample began.
const (
	Warm = "warm"
	Cold = "cold"
)

// A Kind is what a way is beside the others.
type Kind string

const (
	Gate       Kind = "gate"       // verifies, and holds what it verified
	Unverified Kind = "unverified" // loads and verifies nothing
	Limit      Kind = "limit"      // a digest of bytes where they are: what hashing is held against
	Program    Kind = "peer"       // of others
)

// A Row is one way. Bytes are medians, of programs those of the watched
// run; -1 is what nobody counted.
type Row struct {
	Way     string    `json:"way"`
	Kind    Kind      `json:"kind"`
	Seconds Spread    `json:"seconds"`
	CPU     Spread    `json:"cpu"`        // seconds of all cores
	CPUByGB float64   `json:"cpu_per_gb"` // its median by 10⁹ bytes of the workload
	Rounds  []float64 `json:"rounds"`     // seconds, in the order of the rounds
	Others  float64   `json:"others"`     // cores that the rest of the machine kept busy
	Disk    int64     `json:"disk"`       // bytes that came from storage
	Read    int64     `json:"read"`       // bytes that read calls returned
	Copied  int64     `json:"copied"`     // bytes moved into memory of the process
	Memory  Memory    `json:"memory"`
	Says    []string  `json:"says,omitempty"` // what a program says of the files, or of itself
}

// Memory is the most resident bytes of each kind while one more run, whose time
// counts nowhere, was looked at every two milliseconds.
type Memory struct {
	Before int64 `json:"before"` // at its begin, memory kept for it included
	Peak   int64 `json:"peak"`
	Anon   int64 `json:"anon"`   // private
	File   int64 `json:"file"`   // pages of the page cache that are mapped
	Shared int64 `json:"shared"` // shared memory
	Child  int64 `json:"child"`  // of the largest process that the way started
}

// A Ratio is how many times as fast a way is as the fastest of its bases, round
// by round.
type Ratio struct {
	Name  string   `json:"name"`
	Way   string   `json:"way"`
	Bases []string `json:"bases"`
	Times Spread   `json:"times"`
	CPU   float64  `json:"cpu"`             // the median of the same by CPU time
	Reach float64  `json:"reach,omitempty"` // what it should reach; 0: shown without a mark
	Goal  string   `json:"goal,omitempty"`  // the requirement that it measures
}

// Reached reports whether the median is what it should be.
func (r Ratio) Reached() bool { return r.Times.Median >= r.Reach }

// A Bound is the most that a number of a way should be.
type Bound struct {
	Way   string  `json:"way"`
	Unit  string  `json:"unit"`
	Found Spread  `json:"found"`
	Most  float64 `json:"most"`
	Goal  string  `json:"goal,omitempty"`
}

// Reached reports whether the median is what it may be.
func (b Bound) Reached() bool { return b.Found.Median <= b.Most }

// A Spread is what is told of numbers.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf summarises at least one number. The median of an even count is the
// mean of the two in the middle.
func SpreadOf(values []float64) Spread {
	v := slices.Sorted(slices.Values(values))
	half := len(v) / 2
	median := v[half]
	if len(v)%2 == 0 {
		median = (v[half-1] + v[half]) / 2
	}
	return Spread{Median: median, Min: v[0], Max: v[len(v)-1]}
}

// Row is the row of a way.
func (t Table) Row(way string) (Row, bool) {
	i := slices.IndexFunc(t.Rows, func(r Row) bool { return r.Way == way })
	if i < 0 {
		return Row{}, false
	}
	return t.Rows[i], true
}

// Table is the table of that name.
func (r *Run) Table(name string) (Table, bool) {
	i := slices.IndexFunc(r.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return r.Tables[i], true
}

// ErrIncomplete says that a table lacks what its numbers are made of.
var ErrIncomplete = errors.New("results: incomplete")

// check holds a table to what reports take for granted.
func (t Table) check() error {
	if len(t.Rows) == 0 || t.Rounds < 1 || t.Workload.Bytes < 1 {
		return fmt.Errorf("%w: %q has no rows, no rounds or no bytes", ErrIncomplete, t.Name)
	}
	for _, r := range t.Rows {
		if len(r.Rounds) != t.Rounds || slices.Min(r.Rounds) <= 0 {
			return fmt.Errorf("%w: %q has %d rounds of %q, and they are to be %d above zero", ErrIncomplete, t.Name, len(r.Rounds), r.Way, t.Rounds)
		}
	}
	return nil
}

// Read is the run in a file.
func Read(path string) (*Run, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	run := new(Run)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(run); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, t := range run.Tables {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return run, nil
}

// Write makes path the run's file, whole or not at all.
func (r *Run) Write(path string) error {
	for _, t := range r.Tables {
		if err := t.check(); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		if gone := os.Remove(f.Name()); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
