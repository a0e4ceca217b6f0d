package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A files value is what a check runs on, beside the models that it makes.
type files struct {
	library   string
	providers []string
	cuda      []string // directories in which CUDA's libraries and cuDNN's are looked for, in that order
	models    string   // as examples/fetch lays them out
}

// fetchCommand brings files in by their digests.
const fetchCommand = "go run github.com/weightgate/weightgate/examples/fetch"

// gpuLibrary is the core library of the fetched onnxruntime-gpu.
const gpuLibrary = "libonnxruntime.so.1.31.1"

// locate says where the files are: where the flags say, or among what was fetched.
func (o options) locate() files {
	f := files{library: o.library, providers: o.providers, cuda: append(slices.Clip(o.cuda), filepath.Join(o.dir, "cuda-13")), models: o.models}
	if f.library == "" && o.device == deviceCUDA {
		dir := filepath.Join(o.dir, "onnxruntime-gpu")
		f.library = filepath.Join(dir, gpuLibrary)
		f.providers = []string{filepath.Join(dir, "libonnxruntime_providers_shared.so"), filepath.Join(dir, "libonnxruntime_providers_cuda.so")}
	}
	if f.library == "" {
		f.library = filepath.Join(o.dir, "onnxruntime", "libonnxruntime-"+runtime.GOOS+"-"+runtime.GOARCH+".so.1")
	}
	if f.models == "" {
		f.models = filepath.Join(o.dir, "models")
	}
	return f
}

// obtain fetches what is not there and not the user's, and says, a line each,
// what then is missing.
func (o options) obtain(ctx context.Context, progress io.Writer) (f files, missing []string, err error) {
	if o.python != "" {
		dirs, err := pythonLibraries(ctx, o.python)
		if err != nil {
			return files{}, nil, err
		}
		o.cuda = append(slices.Clip(o.cuda), dirs...)
	}
	f = o.locate()
	cuda := o.device == deviceCUDA
	if o.library == "" && len(f.missingRuntime(cuda)) > 0 {
		name := "onnxruntime-" + runtime.GOOS + "-" + runtime.GOARCH
		if cuda {
			name = "onnxruntime-gpu-" + runtime.GOOS + "-" + runtime.GOARCH
		}
		missing = append(missing, o.fetch(ctx, progress, name)...)
	}
	if o.models == "" && len(f.missingModels()) > 0 {
		missing = append(missing, o.fetch(ctx, progress, "minilm", "ppocr-det", "ppocr-rec")...)
	}
	if cuda && len(f.missingRuntime(cuda)) == 0 && len(f.missingCUDA()) > 0 { // the runtime's libraries say what they need
		missing = append(missing, o.fetch(ctx, progress, "cuda-13")...)
	}
	missing = slices.Concat(f.missingRuntime(cuda), f.missingModels(), missing)
	if cuda && len(f.missingRuntime(cuda)) == 0 {
		missing = append(missing, f.missingCUDA()...)
	}
	return f, missing, nil
}

// fetch says, in a line, why the items could not be fetched.
func (o options) fetch(ctx context.Context, progress io.Writer, items ...string) []string {
	words := append(strings.Fields(fetchCommand), "-dir", o.dir)
	failed := func(err error) []string {
		return []string{fmt.Sprintf("could not fetch %s (%v); elsewhere, `%s -dir DIR %s` does: carry DIR over and name it with -dir",
			strings.Join(items, ", "), err, fetchCommand, strings.Join(items, " "))}
	}
	program, err := exec.LookPath(words[0])
	if err != nil {
		return failed(err)
	}
	cmd := exec.CommandContext(ctx, program, append(words[1:], items...)...)
	cmd.Stderr = progress
	if err := cmd.Run(); err != nil {
		return failed(err)
	}
	return nil
}

func (f files) missingRuntime(cuda bool) (lines []string) {
	for _, name := range append([]string{f.library}, f.providers...) {
		if !exists(name) {
			lines = append(lines, name+" is not there: it is a library of ONNX Runtime; name yours with -library and -providers")
		}
	}
	if !cuda {
		return lines
	}
	if len(f.providers) == 0 {
		return append(lines, "no provider libraries: name libonnxruntime_providers_shared.so and libonnxruntime_providers_cuda.so with -providers")
	}
	for _, provider := range f.providers {
		if filepath.Dir(provider) != filepath.Dir(f.library) {
			lines = append(lines, provider+" does not lie beside "+f.library+": by path, the runtime looks nowhere else")
		}
	}
	return lines
}

func (f files) missingModels() (lines []string) {
	for _, name := range modelFiles() {
		if name = filepath.Join(f.models, name); !exists(name) {
			lines = append(lines, name+" is not there: it is of a public model; name the directory of yours with -models")
		}
	}
	return lines
}

func (f files) missingCUDA() (lines []string) {
	wanted, err := wantedOfCUDA(f.providers)
	if err != nil {
		return []string{err.Error()}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(f.cuda, func(dir string) bool { return exists(filepath.Join(dir, name)) }) {
			lines = append(lines, fmt.Sprintf("%s is in none of %s: it is of CUDA or cuDNN; name directories with -cuda, or a Python that has it with -python",
				name, strings.Join(f.cuda, ", ")))
		}
	}
	return lines
}

// wantedOfCUDA are the libraries that providers are linked with, the driver's
// and the system's left out, and cuDNN, which they open as they run.
func wantedOfCUDA(providers []string) (names []string, err error) {
	for _, provider := range providers {
		f, err := elf.Open(provider)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", provider, err)
		}
		linked, err := f.ImportedLibraries()
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", provider, err)
		}
		for _, name := range linked {
			if strings.HasPrefix(name, "libcu") && name != libcuda || strings.HasPrefix(name, "libnv") {
				names = append(names, name)
			}
		}
	}
	if len(names) > 0 {
		names = append(names, "libcudnn.so.9")
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// pythonLibraries are the directories of NVIDIA's packages in a Python.
func pythonLibraries(ctx context.Context, python string) ([]string, error) {
	out, err := exec.CommandContext(ctx, python, "-c", "import nvidia; print('\\n'.join(nvidia.__path__))").Output()
	if err != nil {
		return nil, fmt.Errorf("%s has none of NVIDIA's packages: %w", python, err)
	}
	var dirs []string
	for packages := range strings.Lines(string(out)) {
		found, err := filepath.Glob(filepath.Join(strings.TrimSpace(packages), "*", "lib"))
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, found...)
	}
	return dirs, nil
}

func exists(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
